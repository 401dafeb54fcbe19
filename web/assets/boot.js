// Says in plain words why the page cannot start. An own file, since the content security policy
// forbids inline scripts, and written for browsers that are too old for the page itself.
(function () {
  "use strict";

  /** How long the page may take to start before the visitor is told that something is wrong. */
  var START_WITHIN_MS = 20000;
  /** The smallest module there is: the magic number and the version. */
  var EMPTY_MODULE = [0, 97, 115, 109, 1, 0, 0, 0];

  var started = false;

  function show(id) {
    var loading = document.getElementById("boot-loading");
    var notice = document.getElementById(id);
    // The page replaces both when it starts, so their absence means that all is well.
    if (started || !loading || !notice) return;
    loading.hidden = true;
    notice.hidden = false;
  }

  function runsWebAssembly() {
    try {
      return typeof WebAssembly === "object" && WebAssembly.validate(new Uint8Array(EMPTY_MODULE));
    } catch (_) {
      return false;
    }
  }

  if (!runsWebAssembly()) {
    show("boot-no-wasm");
    return;
  }
  document.getElementById("boot-loading").hidden = false;
  addEventListener("TrunkApplicationStarted", function () {
    started = true;
  });
  // Capturing, because a script that fails to load fires an event that does not bubble.
  addEventListener("error", function () { show("boot-failed"); }, true);
  addEventListener("unhandledrejection", function () { show("boot-failed"); });
  setTimeout(function () { show("boot-failed"); }, START_WITHIN_MS);
})();
