//! Nothing secret is in what the real hospital prints, at its most verbose.
//!
//! The tabs' randomness and their messages are written down inside the tabs, before the page's program sees them.

use std::fmt::Write as _;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};
use serde_json::Value;
use wardsum_e2e::{Browser, Hospital, HospitalOptions, Tab, TestStudy};
use wardsum_protocol::encoding::IntegerRange;
use wardsum_protocol::identity::Identity;
use wardsum_protocol::messages::PeerMessage;
use wardsum_protocol::{Entropy, wire};

/// Numbers that occur nowhere by chance.
const ANSWERS: [i128; 3] = [1_234_567_891, 987_654_321, 1_618_033_988];

/// How many bytes in a row would count as a leak.
const WINDOW: usize = 12;

/// A step between windows that is no multiple of any length in the protocol.
const STEP: usize = 37;

const WRITE_DOWN: &str = "
    window.drawn = [];
    window.wire = [];
    const text = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes.buffer ?? bytes, bytes.byteOffset ?? 0, bytes.byteLength)));
    const draw = Crypto.prototype.getRandomValues;
    Crypto.prototype.getRandomValues = function (array) {
      const filled = draw.call(this, array);
      window.drawn.push(text(filled));
      return filled;
    };
    const send = WebSocket.prototype.send;
    WebSocket.prototype.send = function (data) {
      window.wire.push({ up: true, bytes: text(data) });
      return send.call(this, data);
    };
    window.WebSocket = class extends WebSocket {
      constructor(...given) {
        super(...given);
        this.addEventListener('message', ({ data }) => window.wire.push({ up: false, bytes: text(data) }));
      }
    };";

#[tokio::test]
async fn at_the_most_verbose_level() -> Result<()> {
    let study = TestStudy::of("secret", 3).x25519().range(0, 2_000_000_000);
    let options = HospitalOptions { log: Some("trace"), ..HospitalOptions::default() };
    let mut hospital = Hospital::start_with(std::slice::from_ref(&study), options).await?;
    let browser = Browser::chromium().await?;
    let mut tabs = Vec::new();
    for answer in ANSWERS {
        let tab = browser.new_tab().await?;
        tab.run_before_pages(WRITE_DOWN).await?;
        tab.open_question(&hospital.origin()).await?;
        tab.answer(answer).await?;
        tabs.push(tab);
    }
    let mut secrets = Vec::new();
    for tab in &tabs {
        assert_eq!(tab.result().await?.sum, "3840256200");
        secrets.extend(what_is_secret(tab).await?);
    }
    browser.quit().await?;
    hospital.stop()?;

    let printed = hospital.output();
    let traces = printed.matches("TRACE").count();
    assert!(traces > 20, "the most verbose events should be there:\n{printed}");
    assert!(printed.contains("3840256200"), "the sum is no secret");
    for answer in ANSWERS {
        assert!(!printed.contains(&answer.to_string()), "the answer {answer} was printed");
        let range = IntegerRange::new(0, 2_000_000_000).context("a range")?;
        let bits = range.encode(answer).context("in range")?;
        secrets.push(bits.encode().to_vec());
        let digits: String =
            bits.elements().iter().map(|bit| u128::from(*bit).to_string()).collect();
        assert!(!printed.contains(&digits), "the bits of {answer} were printed");
    }
    assert_eq!(leaked(&printed, &secrets), None);

    // Had it printed any of them, that would have been noticed.
    for secret in secrets.iter().filter(|secret| secret.len() > 100) {
        for leak in [format!("{secret:?}"), BASE64_STANDARD.encode(secret)] {
            assert!(leaked(&format!("{printed}{leak}"), std::slice::from_ref(secret)).is_some());
        }
    }
    Ok(())
}

/// A piece of the secrets that was printed in some spelling, if there is one.
fn leaked(printed: &str, secrets: &[Vec<u8>]) -> Option<String> {
    let windows = secrets.iter().flat_map(|secret| secret.windows(WINDOW).step_by(STEP));
    windows
        // A run of one byte, such as zeros, is no secret and may look like anything; plain text is the study's.
        .filter(|window| window.iter().any(|byte| *byte != window[0]))
        .filter(|window| !window.iter().all(|byte| matches!(byte, b' '..=b'~')))
        .flat_map(spellings)
        .find(|spelling| printed.contains(spelling))
}

/// A tab's randomness, from which all its keys and shares follow, and all its messages in both directions.
async fn what_is_secret(tab: &Tab) -> Result<Vec<Vec<u8>>> {
    let drawn = decoded(&tab.run("return window.drawn;", vec![]).await?, |bytes| bytes)?;
    let wire = tab.run("return window.wire;", vec![]).await?;
    let messages = decoded(&wire, |message| &message["bytes"])?;
    let kinds = |message: &&Vec<u8>| matches!(wire::decode(message), Ok(PeerMessage::Enrol(_)));
    let enrolment = messages.iter().find(kinds).context("the tab enrolled")?;
    // It is this randomness that the tab has made its keys from.
    let entropy = drawn.iter().find_map(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok());
    let id = Identity::derive(&Entropy::new(entropy.context("the tab drew 32 bytes")?)).id();
    ensure!(
        enrolment.windows(32).any(|window| window == id.as_bytes()),
        "the tab's keys are made from something else"
    );
    Ok([drawn, messages].concat())
}

fn decoded(list: &Value, bytes: impl Fn(&Value) -> &Value) -> Result<Vec<Vec<u8>>> {
    let list = list.as_array().context("the tab has written a list")?;
    list.iter()
        .map(|item| Ok(BASE64_STANDARD.decode(bytes(item).as_str().context("a text")?)?))
        .collect()
}

/// How bytes look in a log that leaks them.
fn spellings(bytes: &[u8]) -> Vec<String> {
    let decimal =
        |separator: &str| bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(separator);
    let hex = bytes.iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    let mut spellings = vec![
        hex.to_uppercase(),
        hex,
        decimal(", "),
        decimal(","),
        bytes.escape_ascii().to_string(),
    ];
    // Base64 depends on where in a group of three the window begins.
    for skip in 0..3 {
        let aligned = &bytes[skip..skip + 9];
        spellings.push(BASE64_STANDARD.encode(aligned));
        spellings.push(BASE64_URL_SAFE.encode(aligned));
    }
    spellings
}
