//! The safety words, computed where nobody has to wait for them.

use js_sys::futures::JsFuture;
use js_sys::{JsString, Promise, Uint8Array};
use wardsum_protocol::safety_words::OutOfMemory;
use wardsum_protocol::{CommitteeDigest, SafetyWords, StudyDigest};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};

#[wasm_bindgen(module = "/src/words.js")]
extern "C" {
    /// Throws where there are no workers at all.
    #[wasm_bindgen(catch, js_name = computeInWorker)]
    fn compute_in_worker(
        glue: JsString,
        module: JsValue,
        digests: &[u8],
    ) -> Result<Promise, JsValue>;

    /// Lets the page show what it was told.
    fn painted() -> Promise;
}

#[wasm_bindgen]
extern "C" {
    /// The module that wasm-bindgen has made, which the worker loads as well.
    #[wasm_bindgen(thread_local_v2, js_namespace = ["import", "meta"], js_name = url)]
    static GLUE: JsString;
}

/// What the worker calls: both digests, one after the other, give the words' bytes; `undefined` without the memory.
#[wasm_bindgen(js_name = safetyWords, skip_typescript)]
#[must_use]
#[expect(unreachable_pub, reason = "wasm-bindgen exports only what is public")]
pub fn safety_words(digests: &[u8]) -> Option<Vec<u8>> {
    let (study, committee) = digests.split_first_chunk()?;
    let committee = committee.try_into().ok()?;
    let words = SafetyWords::compute(StudyDigest(*study), CommitteeDigest(committee)).ok()?;
    Some(words.as_bytes().to_vec())
}

/// Computes the words in a worker.
pub(crate) async fn in_worker(
    study: StudyDigest,
    committee: CommitteeDigest,
) -> Option<SafetyWords> {
    let digests = [*study.as_bytes(), *committee.as_bytes()].concat();
    let promise = compute_in_worker(GLUE.with(JsString::clone), wasm_bindgen::module(), &digests);
    let words = JsFuture::from(promise.ok()?).await.ok()?;
    let bytes = words.dyn_into::<Uint8Array>().ok()?.to_vec();
    Some(SafetyWords::from_bytes(bytes.try_into().ok()?))
}

/// Computes the words here, where everything else stands still meanwhile, once the page shows that.
pub(crate) async fn here(
    study: StudyDigest,
    committee: CommitteeDigest,
) -> Result<SafetyWords, OutOfMemory> {
    // A timer does not fail.
    let _ = JsFuture::from(painted()).await;
    SafetyWords::compute(study, committee)
}
