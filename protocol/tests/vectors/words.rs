//! `safety-words.json`: eight words for pairs of digests. The file was written by another program, with the
//! reference implementation of Argon2 (`phc-winner-argon2` through Python's `argon2-cffi` 25.1).

use serde_json::{Value, json};
use wardsum_protocol::{CommitteeDigest, SafetyWords, StudyDigest};

use crate::json::{array, hex, list};

/// The file's own pairs of digests, with what this implementation makes of them.
pub(crate) fn generate() -> Value {
    let file = crate::load("safety-words");
    let words = list(&file, "words").iter().map(|case| {
        let (study, committee) = (array(case, "study_digest"), array(case, "committee_digest"));
        let words = SafetyWords::compute(StudyDigest(study), CommitteeDigest(committee))
            .expect("a test has 64 MiB");
        json!({
            "name": case["name"], "study_digest": hex(study), "committee_digest": hex(committee),
            "hex": hex(words.as_bytes()), "words": words.to_string(),
        })
    });
    json!({ "words": words.collect::<Vec<_>>() })
}
