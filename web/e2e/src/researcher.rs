//! A tab as a researcher uses it: the documented attributes of the researcher's page (`web/researcher/src/main.rs`),
//! and nothing else of it.

use anyhow::Result;

use crate::hospital::Hospital;
use crate::tab::Tab;

/// As a person who chooses a file: the browser's own dialogue cannot be driven.
const CHOOSE: &str = "
    const [selector, name, content] = arguments;
    const input = document.querySelector(selector);
    const chosen = new DataTransfer();
    chosen.items.add(new File([content], name));
    input.files = chosen.files;
    input.dispatchEvent(new Event('change', { bubbles: true }));";

impl Tab {
    /// Opens the researcher's page, which asks for a token.
    pub async fn open_dashboard(&self, hospital: &Hospital) -> Result<()> {
        self.open(&format!("{}/researcher/", hospital.origin())).await?;
        self.until_there("#app[data-state=signed-out] #token").await
    }

    /// Enters a token, whatever comes of it.
    pub async fn sign_in(&self, token: &str) -> Result<()> {
        self.fill("#token", token).await?;
        self.click("#sign-in").await
    }

    /// Makes a researcher, `editor` or `viewer`, and signs in as one.
    pub async fn sign_in_as(&self, hospital: &Hospital, name: &str, role: &str) -> Result<()> {
        let token = hospital.researcher(name, role)?;
        self.open_dashboard(hospital).await?;
        self.sign_in(&token).await?;
        self.until_there("#app[data-state=signed-in]").await
    }

    /// Goes to another view, `#/new` or another address behind the `#`.
    pub async fn go_to(&self, view: &str) -> Result<()> {
        self.click(&format!("nav a[href='{view}']")).await
    }

    /// Replaces what is in the field of the form at this place.
    pub async fn set_field(&self, place: &str, text: &str) -> Result<()> {
        self.fill(&format!("[data-field='{place}']"), text).await
    }

    /// Replaces what is in the fields at these places.
    pub async fn set_fields(&self, fields: &[(&str, &str)]) -> Result<()> {
        for (place, text) in fields {
            self.set_field(place, text).await?;
        }
        Ok(())
    }

    /// Chooses a file.
    pub async fn choose_file(&self, selector: &str, name: &str, content: &str) -> Result<()> {
        self.until_there(selector).await?;
        self.run(CHOOSE, vec![selector.into(), name.into(), content.into()]).await?;
        Ok(())
    }

    /// Presses a button that asks once more, and says yes.
    pub async fn confirm(&self, button: &str) -> Result<()> {
        self.click(button).await?;
        self.click("dialog[open] #confirm-yes").await
    }
}
