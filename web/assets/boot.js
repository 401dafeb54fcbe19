// Chooses the language, and says in plain words why the page cannot start, or why it has stopped. An own file, since the content
// security policy forbids inline scripts, and written for browsers that are too old for the page itself.
(function () {
  "use strict";

  /** How long the page may take to start before the visitor is told that something is wrong. */
  var START_WITHIN_MS = 20000;
  /** The smallest module there is: the magic number and the version. */
  var EMPTY_MODULE = [0, 97, 115, 109, 1, 0, 0, 0];

  /** Where web/src/language.rs keeps the language that the visitor has chosen. */
  var CHOSEN = "wardsum:language";

  var started = false;
  var altered = false;

  function show(id) {
    var loading = document.getElementById("boot-loading");
    var notice = document.getElementById(id);
    // The page replaces both when it starts, so their absence means that all is well.
    if (started || altered || !loading || !notice) return;
    loading.hidden = true;
    document.getElementById("boot-failed").hidden = true;
    notice.hidden = false;
  }

  /** A part of the page is not what it should be. Nothing that is said after this is worth more. */
  function isAltered() {
    show("boot-altered");
    altered = true;
  }

  /** Finds out whether an element's file could not be loaded, or is not the one that `integrity` names. */
  function examine(element) {
    var address = element && (element.src || element.href);
    if (!address || !element.integrity || !window.fetch || !window.crypto || !crypto.subtle) return;
    fetch(address).then(function (response) {
      if (!response.ok) return;
      return response.arrayBuffer().then(function (bytes) {
        return crypto.subtle.digest("SHA-384", bytes);
      }).then(function (digest) {
        var text = btoa(String.fromCharCode.apply(null, new Uint8Array(digest)));
        if (element.integrity !== "sha384-" + text) isAltered();
      });
    }).catch(function () {
      // It could not be loaded, which is what the visitor is told already.
    });
  }

  function runsWebAssembly() {
    try {
      return typeof WebAssembly === "object" && WebAssembly.validate(new Uint8Array(EMPTY_MODULE));
    } catch (_) {
      return false;
    }
  }

  /** Puts a notice in the place of a page whose program is dead and can say nothing itself. */
  function stopped() {
    var page = document.getElementById("app");
    var notice = document.getElementById("stopped");
    if (!notice || !notice.hidden) return;
    if (page) page.remove();
    notice.hidden = false;
    // Instead of an alert: where one was is gone, and a screen reader goes on from here.
    document.getElementById("stopped-title").focus();
    document.getElementById("reload").addEventListener("click", function () {
      location.reload();
    });
  }

  /** Whether WebAssembly was brought down, by a panic or by what ends it without one. */
  function trapped(error) {
    return started && error instanceof WebAssembly.RuntimeError;
  }

  /** Makes the page speak the language that was chosen here, or else the browser's first one that there is. */
  function chooseLanguage() {
    var wanted = [].concat(navigator.languages || navigator.language);
    try {
      wanted.unshift(localStorage.getItem(CHOSEN));
    } catch (_) {
      // This browser keeps nothing.
    }
    for (var i = 0; i < wanted.length; i++) {
      var language = String(wanted[i]).toLowerCase().split("-")[0];
      if (/^[a-z]+$/.test(language) && document.querySelector("script[data-language=" + language + "]")) {
        document.documentElement.lang = language;
        return;
      }
    }
  }

  chooseLanguage();
  if (!runsWebAssembly()) {
    show("boot-no-wasm");
    return;
  }
  // assets/start.js says so.
  addEventListener("wardsum-altered", isAltered);
  addEventListener("wardsum-started", function () {
    started = true;
  });
  // The page's program says so with its last breath (web/src/panic.rs).
  addEventListener("wardsum-panic", stopped);
  // Capturing, because a script that fails to load fires an event that does not bubble.
  addEventListener("error", function (event) {
    if (trapped(event.error)) stopped();
    show("boot-failed");
    examine(event.target);
  }, true);
  addEventListener("unhandledrejection", function (event) {
    if (trapped(event.reason)) stopped();
    show("boot-failed");
  });
  setTimeout(function () { show("boot-failed"); }, START_WITHIN_MS);
})();
