//! A tab as a patient uses it: the page's documented attributes (`web/src/main.rs`), and nothing else of it.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::tab::Tab;

/// What the page shows of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// The sum.
    pub sum: String,
    /// The mean, to two decimals.
    pub mean: String,
    /// How many answers it counts.
    pub count: String,
}

/// What the page says that left the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// Encrypted shares.
    pub shares: u64,
    /// Partial sums.
    pub partials: u64,
    /// Bytes in all.
    pub bytes: u64,
}

/// What the page says of a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its stable name.
    pub code: String,
    /// What a person reads.
    pub text: String,
}

/// A stage and the state that it came into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageChange {
    /// `connected`, `waiting`, `committee`, `words`, `sent`, `shares`, `checked`, `partial` or `result`.
    pub stage: String,
    /// `pending`, `current`, `done`, `skipped` or `failed`.
    pub state: String,
}

/// Writes down every state that a stage comes into, in order.
const WATCH_STAGES: &str = "
    const log = window.stageLog = [];
    const live = window.liveLog = [];
    const last = {};
    const note = (stage, state) => {
      if (state && last[stage] !== state) { last[stage] = state; log.push({ stage, state }); }
    };
    const look = () => {
      for (const item of document.querySelectorAll('#stages li[data-stage]')) note(item.dataset.stage, item.dataset.state);
      const said = document.getElementById('live')?.textContent.trim();
      if (said && live.at(-1) !== said) live.push(said);
    };
    new MutationObserver((records) => {
      // What a stage was before it changed again within one turn.
      for (const record of records) {
        const { stage } = record.target.dataset ?? {};
        if (record.type === 'attributes' && stage) note(stage, record.oldValue);
      }
      look();
    }).observe(document.body, {
      subtree: true, childList: true, characterData: true, attributes: true,
      attributeFilter: ['data-state'], attributeOldValue: true,
    });
    look();";

/// Presses the button as soon as it can be seen.
const AGREE: &str = "
    const look = () => {
      const button = document.querySelector('#words .actions:not([hidden]) #words-match');
      if (button) { watch.disconnect(); button.click(); }
    };
    const watch = new MutationObserver(look);
    watch.observe(document.body, { subtree: true, childList: true, attributes: true });
    look();";

impl Tab {
    /// The page's state.
    pub async fn state(&self) -> Result<String> {
        Ok(self.attribute("#app", "data-state").await?.unwrap_or_default())
    }

    /// Waits until the page is in a state.
    pub async fn until_state(&self, state: &str) -> Result<()> {
        let script = "return document.getElementById('app')?.dataset.state === arguments[0];";
        self.until(&format!("the page's state “{state}”"), script, &[json!(state)]).await?;
        Ok(())
    }

    /// Opens a page, and waits until it asks its question.
    pub async fn open_question(&self, address: &str) -> Result<()> {
        self.open(address).await?;
        self.until_state("asking").await
    }

    /// Types an answer and asks to take part, up to the confirmation.
    pub async fn propose(&self, answer: &str) -> Result<()> {
        self.fill("#answer", answer).await?;
        self.click("#take-part").await?;
        self.until_state("confirming").await
    }

    /// Types an answer and sends it. From here on the stages are written down, and the safety words are said to match
    /// as soon as they are shown.
    pub async fn answer(&self, answer: i128) -> Result<()> {
        self.answer_and_compare(answer).await?;
        self.agree().await
    }

    /// Says that the safety words match, as soon as this page, until it is loaded again, shows them.
    pub async fn agree(&self) -> Result<()> {
        self.run(AGREE, Vec::new()).await?;
        Ok(())
    }

    /// Waits until the safety words are to be compared, and gives them.
    pub async fn words(&self) -> Result<Vec<String>> {
        self.until_state("comparing").await?;
        self.until_there("#words .actions:not([hidden])").await?;
        let script =
            "return [...document.querySelectorAll('#words li')].map((li) => li.innerText.trim());";
        let words = self.run(script, Vec::new()).await?;
        let words = words.as_array().context("the words are a list")?;
        Ok(words.iter().filter_map(|word| word.as_str().map(str::to_owned)).collect())
    }

    /// Types an answer and sends it, and says nothing of the safety words.
    pub async fn answer_and_compare(&self, answer: i128) -> Result<()> {
        self.propose(&answer.to_string()).await?;
        let confirmed = self.attribute("[data-testid=confirm-value]", "data-value").await?;
        ensure!(confirmed == Some(answer.to_string()), "the page confirms {confirmed:?}");
        self.watch_stages().await?;
        self.click("#send").await
    }

    /// Opens a page, answers its question, and waits until it waits for others.
    pub async fn take_part(&self, address: &str, answer: i128) -> Result<()> {
        self.open_question(address).await?;
        self.answer(answer).await?;
        self.until_stage("waiting", "current").await
    }

    /// Begins to write down how the stages move and what the live region says.
    pub async fn watch_stages(&self) -> Result<()> {
        self.run(WATCH_STAGES, Vec::new()).await?;
        Ok(())
    }

    /// How the stages have moved.
    pub async fn stage_changes(&self) -> Result<Vec<StageChange>> {
        let log = self.run("return window.stageLog;", Vec::new()).await?;
        let log = log.as_array().context("the stages were not watched")?;
        let text =
            |change: &Value, name: &str| change[name].as_str().unwrap_or_default().to_owned();
        Ok(log
            .iter()
            .map(|change| StageChange {
                stage: text(change, "stage"),
                state: text(change, "state"),
            })
            .collect())
    }

    /// What the live region has said.
    pub async fn announcements(&self) -> Result<Vec<String>> {
        let log = self.run("return window.liveLog;", Vec::new()).await?;
        let log = log.as_array().context("the live region was not watched")?;
        Ok(log.iter().filter_map(|said| said.as_str().map(str::to_owned)).collect())
    }

    /// Waits until a stage is in a state.
    pub async fn until_stage(&self, name: &str, state: &str) -> Result<()> {
        self.until_there(&format!("#stages li[data-stage={name}][data-state={state}]")).await
    }

    /// Waits until the page says that the connection is lost and that it tries again.
    pub async fn until_cut_off(&self) -> Result<String> {
        self.until_there("#connection:not([hidden])").await?;
        self.text("#connection").await
    }

    /// Waits until the page says nothing of a lost connection any more.
    pub async fn until_connected(&self) -> Result<()> {
        let script = "return document.getElementById('app') !== null
            && document.querySelector('#connection:not([hidden])') === null;";
        self.until("the connection to be back", script, &[]).await?;
        Ok(())
    }

    /// Waits for the result.
    pub async fn result(&self) -> Result<Figures> {
        self.until_state("published").await?;
        self.until_there("#result").await?;
        let figure = async |name: &str| {
            let selector = format!("#result [data-testid=result-{name}]");
            self.attribute(&selector, "data-value").await?.with_context(|| format!("no {name}"))
        };
        Ok(Figures {
            sum: figure("sum").await?,
            mean: figure("mean").await?,
            count: figure("count").await?,
        })
    }

    /// What the page says that left the device.
    pub async fn left(&self) -> Result<Left> {
        let number = async |name: &str| -> Result<u64> {
            let selector = format!("[data-testid=left-{name}]");
            let value = self.attribute(&selector, "data-value").await?;
            Ok(value.with_context(|| format!("no {selector}"))?.parse()?)
        };
        Ok(Left {
            shares: number("shares").await?,
            partials: number("partials").await?,
            bytes: number("bytes").await?,
        })
    }

    /// Waits until the page says that something went wrong.
    pub async fn failure(&self) -> Result<Notice> {
        self.until_there("#failure").await?;
        let code = self.attribute("#failure", "data-code").await?.unwrap_or_default();
        Ok(Notice { code, text: self.text("#failure").await? })
    }

    /// Whether the page asks before it is left.
    pub async fn warns_before_leaving(&self) -> Result<bool> {
        let script = "const event = new Event('beforeunload', { cancelable: true });
            window.dispatchEvent(event);
            return event.defaultPrevented;";
        Ok(self.run(script, Vec::new()).await? == json!(true))
    }
}
