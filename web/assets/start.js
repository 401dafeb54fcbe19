// Starts the page's program, and only if it is, to the byte, the one that index.html names.
//
// Trunk writes links to the program into index.html: its JavaScript (modulepreload) and its WebAssembly (preload),
// each with its SHA-384. Browsers check such a hash for scripts, so the first is loaded as one. WebAssembly they do
// not check, so that its bytes are hashed here before they are compiled. The languages are named there as scripts that
// are none, which browsers do not load; one of them is loaded and hashed here. assets/boot.js says what went wrong.

const INTEGRITY = "sha384-";

const script = document.querySelector("link[rel=modulepreload][integrity]");
const program = document.querySelector("link[rel=preload][as=fetch][integrity]");

/** The page's script as a module. The import finds what the element has loaded: browsers load a module once. */
function loadScript() {
  return new Promise((resolve, reject) => {
    const element = document.createElement("script");
    element.type = "module";
    element.src = script.href;
    element.integrity = script.integrity;
    element.addEventListener("load", () => resolve(import(script.href)));
    element.addEventListener("error", () => reject(new Error("the page's script was not loaded")));
    document.head.append(element);
  });
}

/** A part of the page is another one than index.html says. */
class Altered extends Error {}

/** The bytes of a file that an element of index.html names, checked. */
async function load(address, integrity) {
  // The same as a preload asks for, so that it is loaded once.
  const response = await fetch(address, { mode: "cors", credentials: "same-origin" });
  if (!response.ok) throw new Error(`${address} was not loaded: status ${response.status}`);
  const bytes = await response.arrayBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-384", bytes));
  if (INTEGRITY + btoa(String.fromCharCode(...digest)) !== integrity) {
    dispatchEvent(new CustomEvent("wardsum-altered"));
    throw new Altered(`${address} is not what index.html says`);
  }
  return bytes;
}

/** The visitor's own kind of a language, such as de-AT, if the browser knows how to write numbers in it. */
function localeOf(language) {
  try {
    const own = navigator.languages.find((tag) => tag.split("-")[0] === language);
    return Intl.NumberFormat.supportedLocalesOf(own ?? language)[0] ?? language;
  } catch (_) {
    return language;
  }
}

/** The sentences of a language, its locale, and what stands between thousands and before decimals. */
async function loadLanguage(language) {
  const file = document.querySelector(`script[data-language="${language}"]`);
  const bytes = await load(file.src, file.integrity);
  const locale = localeOf(language);
  const parts = new Intl.NumberFormat(locale, { numberingSystem: "latn" }).formatToParts(1234567.5);
  const part = (type) => parts.find((part) => part.type === type)?.value ?? "";
  return [new TextDecoder().decode(bytes), locale, part("group"), part("decimal")];
}

const languages = new Map();

/** As the page's program asks for it. What could not be loaded is loaded again when it is asked for again. */
globalThis.wardsumLanguage = (language) => {
  if (!languages.has(language)) {
    const loading = loadLanguage(language);
    languages.set(language, loading);
    loading.catch(() => languages.delete(language));
  }
  return languages.get(language);
};

/** The language that assets/boot.js has chosen, or English if that cannot be had. The researcher's page has none to load. */
async function firstLanguage() {
  const root = document.documentElement;
  if (!document.querySelector("script[data-language]")) return;
  try {
    await globalThis.wardsumLanguage(root.lang);
  } catch (error) {
    if (error instanceof Altered || root.lang === "en") throw error;
    root.lang = "en";
    await globalThis.wardsumLanguage("en");
  }
}

/** SHA-256 of index.html, which names every other file with its hash: see docs/ARCHITECTURE.md. */
async function showFingerprint() {
  const page = await fetch(location.pathname + location.search, { cache: "force-cache" });
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await page.arrayBuffer()));
  const digits = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const about = document.getElementById("about");
  document.getElementById("fingerprint").textContent = digits.match(/.{4}/g).join(" ");
  document.querySelector(".colophon .column").append(about);
  about.hidden = false;
}

const parts = [loadScript(), load(program.href, program.integrity), firstLanguage()];
const [bindings, bytes] = await Promise.all(parts);
await bindings.default({ module_or_path: bytes });
dispatchEvent(new CustomEvent("wardsum-started"));
// The page does without it when it cannot be had.
showFingerprint().catch((error) => console.warn(error));
