// Starts the page's program, and only if it is, to the byte, the one that index.html names.
//
// Trunk writes links to the program into index.html: its JavaScript (modulepreload) and its WebAssembly (preload),
// each with its SHA-384. Browsers check such a hash for scripts, so the first is loaded as one. WebAssembly they do
// not check, so that its bytes are hashed here before they are compiled. assets/boot.js says what went wrong.

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

/** The WebAssembly, checked. */
async function loadProgram() {
  // The same as the preload asks for, so that it is loaded once.
  const response = await fetch(program.href, { mode: "cors", credentials: "same-origin" });
  if (!response.ok) throw new Error(`the page's program was not loaded: status ${response.status}`);
  const bytes = await response.arrayBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-384", bytes));
  if (INTEGRITY + btoa(String.fromCharCode(...digest)) !== program.integrity) {
    dispatchEvent(new CustomEvent("wardsum-altered"));
    throw new Error("the page's program is not what index.html says");
  }
  return bytes;
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

const [bindings, bytes] = await Promise.all([loadScript(), loadProgram()]);
await bindings.default({ module_or_path: bytes });
dispatchEvent(new CustomEvent("wardsum-started"));
// The page does without it when it cannot be had.
showFingerprint().catch((error) => console.warn(error));
