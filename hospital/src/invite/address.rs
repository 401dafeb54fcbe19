//! Where the page of a study is, and the links to it.

use core::fmt::Write as _;
use core::str::FromStr;

use http::Uri;
use thiserror::Error;
use wardsum_protocol::Invitation;
use wardsum_protocol::invitation::LINK_LEN;
use zeroize::Zeroizing;

use crate::study_desk::StudyId;

/// The longest address, in bytes: what is much longer makes no good QR code.
const ADDRESS_MAX: usize = 500;

/// The address of the page, `https://host[:port]/`, also with a path and parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    authority: String,
    path: String,
    query: Option<String>,
}

/// Not an address that links can begin with.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AddressError {
    /// No address, or not one of a page over TLS.
    #[error(
        "\"{0}\" is not the address of a page; write it as https://host/ or https://host:port/"
    )]
    NotHttps(String),
    /// With a fragment, where the invitation has to stand.
    #[error("\"{0}\" has a `#`, behind which the invitation has to stand; leave it out")]
    Fragment(String),
    /// Longer than [`ADDRESS_MAX`].
    #[error("the address has {0} bytes; {ADDRESS_MAX} are enough for everybody")]
    TooLong(usize),
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if text.len() > ADDRESS_MAX {
            return Err(AddressError::TooLong(text.len()));
        }
        if text.contains('#') {
            return Err(AddressError::Fragment(text.to_owned()));
        }
        let refused = || AddressError::NotHttps(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| refused())?;
        let authority = uri.authority().filter(|_| uri.scheme_str() == Some("https"));
        // A user in front of the host would be a trap for whoever reads the link.
        let authority = authority.filter(|authority| !authority.as_str().contains('@'));
        Ok(Self {
            authority: authority.ok_or_else(refused)?.to_string(),
            path: uri.path().to_owned(),
            query: uri.query().map(ToOwned::to_owned),
        })
    }
}

impl Address {
    /// The link with which somebody opens the page and shows this invitation.
    pub(super) fn link(&self, study: &StudyId, invitation: &Invitation) -> Zeroizing<String> {
        let Self { authority, path, query } = self;
        let query = query.as_ref().map(|query| format!("{query}&")).unwrap_or_default();
        // Room for everything, so that no copy of the secret stays behind.
        let room = 2 * ADDRESS_MAX + LINK_LEN + 128;
        let mut link = Zeroizing::new(String::with_capacity(room));
        write!(link, "https://{authority}{path}?{query}study={study}#").expect("it is in memory");
        link.push_str(&invitation.fragment());
        link
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(address: &str) -> Result<String, AddressError> {
        let authority = wardsum_protocol::Authority::new(&[1; 32]);
        let study = super::super::draw::tests::study(&authority);
        let made = authority.invite(&study, 1, true, [2; 32].into()).unwrap();
        let address: Address = address.parse()?;
        let link = address.link(&"pain".parse().unwrap(), &made).to_string();
        let (link, fragment) = link.split_once('#').unwrap();
        assert_eq!(fragment, *made.fragment());
        Ok(link.to_owned())
    }

    #[test]
    fn a_link_names_page_and_study() {
        for (address, expected) in [
            ("https://ward.example", "https://ward.example/?study=pain"),
            ("https://ward.example:8443/", "https://ward.example:8443/?study=pain"),
            ("https://[::1]:8443/page/", "https://[::1]:8443/page/?study=pain"),
            (
                "https://other.example/w/?hospital=h.example",
                "https://other.example/w/?hospital=h.example&study=pain",
            ),
        ] {
            assert_eq!(link(address).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for bad in
            ["", "ward.example", "http://ward.example/", "https://", "https://a@b/", "https://a b/"]
        {
            assert_eq!(link(bad), Err(AddressError::NotHttps(bad.to_owned())));
        }
        let bad = "https://ward.example/#top";
        assert_eq!(link(bad), Err(AddressError::Fragment(bad.to_owned())));
        let long = format!("https://ward.example/{}", "a".repeat(500));
        assert_eq!(link(&long), Err(AddressError::TooLong(521)));
    }
}
