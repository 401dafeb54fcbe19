// Computes the safety words in a thread of their own: they take half a second, for which a page must not stand still.
// This file is the page's side of it, and as a module worker the other side; a content security policy needs
// `worker-src 'self'` for it and no more.

/** What the worker is called, so that it knows what it is. */
const NAME = "wardsum-words";

/** What the worker says first: from then on it listens. */
const READY = "ready";

/** Longer than the slowest phone takes, in milliseconds; a worker that is silent for as long has not started. */
const PATIENCE_MS = 60000;

/** Resolves to the words' bytes, and rejects if there is no worker that computes them. */
export function computeInWorker(glue, module, digests) {
  // A copy: what comes is a view of the program's whole memory, and all of that would be sent.
  const work = [glue, module, digests.slice()];
  return new Promise((resolve, reject) => {
    const worker = new Worker(import.meta.url, { type: "module", name: NAME });
    const end = () => {
      clearTimeout(timer);
      worker.terminate();
    };
    const fail = () => {
      end();
      reject();
    };
    const timer = setTimeout(fail, PATIENCE_MS);
    worker.onerror = worker.onmessageerror = fail;
    worker.onmessage = ({ data }) => {
      if (data === READY) return worker.postMessage(work);
      if (!data) return fail();
      end();
      resolve(data);
    };
  });
}

/** Lets the page be painted, before it stands still. */
export function painted() {
  return new Promise((resolve) => setTimeout(resolve, 100));
}

if (typeof document === "undefined" && self.name === NAME) {
  self.onmessage = async ({ data: [glue, module, digests] }) => {
    let words;
    try {
      const { initSync, safetyWords } = await import(glue);
      initSync({ module });
      words = safetyWords(digests);
    } finally {
      // Without words the page computes them itself.
      self.postMessage(words);
    }
  };
  self.postMessage(READY);
}
