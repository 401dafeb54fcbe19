// A patient's peer in any page: connect, ask for a number, answer, watch. Nothing here but the class WardsumPeer.
//
// Built by `wasm-bindgen --target web` into ./pkg; see ../README.md.

import init, { WardsumPeer } from "./pkg/wardsum_peer.js";

const element = (id) => document.getElementById(id);

/** @type {WardsumPeer | undefined} */
let peer;

/** Whether the answer waits for the words to be compared. */
let comparing = false;

/** A text in the first of its languages. @param {import("./pkg/wardsum_peer.js").WardsumText} text */
const words = (text) => text[0].text;

/** What the study asks for: one number. @param {import("./pkg/wardsum_peer.js").WardsumStudy} study */
function question(study) {
  const [item] = study.form.sections[0].items;
  return `${words(item.text)} (${item.range.min} to ${item.range.max} ${words(item.unit)})`;
}

/** Shows an event, and keeps what tests look at in data attributes. @param {string} type @param {string} text */
function show(type, text) {
  element("status").dataset.type = type;
  element("status").textContent = text;
  const item = document.createElement("li");
  item.dataset.type = type;
  item.textContent = text;
  element("log").append(item);
}

/** @param {import("./pkg/wardsum_peer.js").WardsumEvent} event */
function onEvent(event) {
  switch (event.type) {
    case "study":
      element("question").textContent =
        `${event.study.organisation} asks: ${question(event.study)}`;
      element("take-part").hidden = false;
      return show(event.type, words(event.study.title));
    case "waiting":
      return show(event.type, `${event.phase}: ${event.present} of ${event.needed}`);
    case "committee":
      return show(event.type, `${event.members} members, ${event.threshold} needed`);
    case "compareWords":
      comparing = event.awaited;
      return show(event.type, "Working out the words …");
    case "words":
      // After a reload they may have been compared already.
      element("words").textContent = event.words.join(" ");
      element("compare").hidden = !comparing;
      return show(event.type, event.words.join(" "));
    case "wordsDisputed":
      return show(event.type, "Somebody says that their words differ. Compare aloud again; if anybody’s differ, stop.");
    case "wordsUnavailable":
      return show(event.type, event.message);
    case "shareReceived":
      return show(event.type, `${event.received} shares received`);
    case "result":
      element("status").dataset.sum = String(event.sum);
      element("status").dataset.count = String(event.count);
      return show(event.type, `The sum is ${event.sum}, from ${event.count} people; the mean is ${(Number(event.sum) / event.count).toFixed(2)}.`);
    case "failed":
      element("compare").hidden = true;
      return show(event.type, event.message);
    case "resumed":
      element("question").textContent = `You have answered: ${question(event.study)}`;
      return show(event.type, `Taken up again: ${words(event.study.title)}`);
    case "closed":
      // The peer says next what it does about a connection that stood.
      return event.opened ? undefined : show(event.type, "The hospital cannot be reached, or does not know this study.");
    case "disconnected":
      return show(event.type, `The connection is lost; trying again in ${Math.ceil(event.retryInMs / 1000)} s.`);
    case "notKept":
    case "storageFailed":
    case "notErased":
      return show(event.type, event.message);
    default:
      return show(event.type, event.type);
  }
}

/** Runs something that may throw a WardsumError, and shows what it says. @param {() => void} action */
function attempt(action) {
  try {
    action();
  } catch (error) {
    show(`error-${error.code}`, error.message);
  }
}

await init();

// The page's own origin, unless the address says otherwise: ?socket=wss://HOST/ws/STUDY or ?study=STUDY.
const query = new URLSearchParams(location.search);
element("url").value = query.get("socket") ?? `wss://${location.host}/ws/${query.get("study") ?? "pain-scale"}`;

element("connect").addEventListener("submit", (event) => {
  event.preventDefault();
  peer?.close();
  attempt(() => {
    peer = WardsumPeer.connect(element("url").value, onEvent);
  });
});

element("take-part").addEventListener("submit", (event) => {
  event.preventDefault();
  // Neither half a number nor none is a response; the class says so.
  attempt(() => peer?.answer([{ number: element("answer").value.trim() === "" ? NaN : Number(element("answer").value) }]));
});

element("compare").addEventListener("submit", (event) => {
  event.preventDefault();
  element("compare").hidden = true;
  peer?.wordsMatch();
});

element("differ").addEventListener("click", () => peer?.wordsDiffer());

element("leave").addEventListener("click", () => {
  peer?.leave();
  element("take-part").hidden = true;
  show("left", "You left.");
});

// A tab that was reloaded goes on where it was.
try {
  peer = await WardsumPeer.resumeTab(element("url").value, onEvent);
} catch (error) {
  show(`error-${error.code}`, error.message);
}
if (!peer) show("ready", "Ready.");
