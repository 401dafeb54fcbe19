use futures_util::FutureExt;
use tempfile::TempDir;

use super::*;
use crate::store::DataDir;

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

/// A token of 32 bytes of seven.
const SHOWN: &str = "wardsum_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";

async fn open() -> (TempDir, Access) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(DataDir::open(dir.path()).unwrap()).unwrap();
    (dir, Access::open(store).await.unwrap())
}

fn anna() -> ResearcherName {
    "anna".parse().unwrap()
}

#[tokio::test]
async fn a_token_is_accepted_until_it_is_revoked_and_after_a_restart() {
    let (_dir, access) = open().await;
    let (_, token) = access.add(anna(), Role::Viewer, None, "uid 0").await.unwrap();
    let shown = token.reveal();
    let researcher = access.admit(Some(&shown), HERE).await.unwrap();
    assert_eq!((researcher.name.as_str(), researcher.role), ("anna", Role::Viewer));
    assert!(researcher.ended().now_or_never().is_none());
    let again = Access::open(access.0.store.clone()).await.unwrap();
    assert!(again.admit(Some(&shown), HERE).await.is_ok());

    access.revoke(&anna(), "uid 0").await.unwrap();
    researcher.ended().now_or_never().expect("whoever holds it is told");
    let again = Access::open(access.0.store.clone()).await.unwrap();
    for access in [access, again] {
        let refused = access.admit(Some(&shown), HERE).await.unwrap_err();
        assert_eq!(refused, TokenRefused::Revoked { name: anna() });
    }
}

#[tokio::test]
async fn only_the_digest_of_a_token_is_in_the_directory() {
    let (dir, access) = open().await;
    let (stored, token) = access.add(anna(), Role::Editor, Some(1), "uid 0").await.unwrap();
    let shown = token.reveal();
    access.admit(Some(&shown), HERE).await.unwrap();
    access.admit(Some("wardsum_AAAA"), HERE).await.unwrap_err();
    let whole = Token::parse(&shown).unwrap();
    assert_eq!(stored.token, whole.digest());
    access.0.store.close().await;
    let is_anywhere = |needle: &[u8]| {
        std::fs::read_dir(dir.path()).unwrap().any(|entry| {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            bytes.windows(needle.len()).any(|window| window == needle)
        })
    };
    assert!(is_anywhere(&whole.digest()));
    assert!(!is_anywhere(&shown.as_bytes()[8..]));
    assert!(!is_anywhere(b"wardsum_AAAA"));
}

#[tokio::test]
async fn a_token_ends_by_itself() {
    let (_dir, access) = open().await;
    let new = NewResearcher {
        name: anna(),
        role: Role::Editor,
        token: Token::parse(SHOWN).unwrap().digest(),
        expires_unix_ms: Some(unix_ms() - 1),
    };
    access.0.store.add_researcher(new).await.unwrap();
    let access = Access::open(access.0.store.clone()).await.unwrap();
    let refused = access.admit(Some(SHOWN), HERE).await.unwrap_err();
    assert_eq!(refused, TokenRefused::Expired { name: anna() });
    // The name is free again.
    let (_, token) = access.add(anna(), Role::Editor, Some(1), "uid 0").await.unwrap();
    let researcher = access.admit(Some(&token.reveal()), HERE).await.unwrap();
    assert!(researcher.expires_unix_ms.is_some_and(|expires| expires > unix_ms()));
    assert!(researcher.ended().now_or_never().is_none());
    for days in [0, MOST_DAYS + 1] {
        let refused = access.add("b".parse().unwrap(), Role::Editor, Some(days), "uid 0").await;
        assert!(matches!(refused, Err(AccessError::Days)), "{refused:?}");
    }
}

#[tokio::test]
async fn refused_tokens_are_audited_without_the_token_and_once_a_minute() {
    let (_dir, access) = open().await;
    let (_, token) = access.add(anna(), Role::Editor, None, "uid 0").await.unwrap();
    let other = Token::draw().unwrap().reveal();
    for tries in 0..30 {
        let refused = access.admit(Some(&other), HERE).await.unwrap_err();
        assert_eq!(matches!(refused, TokenRefused::TooMany(_)), tries >= refusals::PER_ADDRESS);
    }
    assert!(access.admit(Some(&token.reveal()), HERE).await.is_ok(), "good ones are never held up");
    assert_eq!(access.admit(None, HERE).await.unwrap_err(), TokenRefused::Missing);
    let audit = access.0.store.audit_log().await.unwrap();
    let said = audit.iter().map(|e| (e.actor.as_str(), e.action.as_str(), e.detail.as_str()));
    let said = said.collect::<Vec<_>>();
    assert_eq!(
        said,
        [
            ("uid 0", "add researcher", "anna, editor"),
            ("uid 0", "done", "add researcher, anna, editor"),
            ("somebody", "token refused", "unknown, from 127.0.0.1"),
        ]
    );
}

#[tokio::test]
async fn the_last_use_of_a_token_is_kept() {
    let (_dir, access) = open().await;
    let (_, token) = access.add(anna(), Role::Editor, None, "uid 0").await.unwrap();
    assert_eq!(access.list().await.unwrap()[0].used_unix_ms, None);
    access.admit(Some(&token.reveal()), HERE).await.unwrap();
    let kept = async {
        while access.list().await.unwrap()[0].used_unix_ms.is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), kept).await.expect("it is written at once");
}

#[tokio::test(start_paused = true)]
async fn a_researcher_changes_so_much_in_a_minute_and_no_more() {
    let (_dir, access) = open().await;
    let (_, token) = access.add(anna(), Role::Editor, None, "uid 0").await.unwrap();
    let researcher = access.admit(Some(&token.reveal()), HERE).await.unwrap();
    for _ in 0..7 {
        assert_eq!(access.count_change(&researcher, 7), None);
    }
    assert!(access.count_change(&researcher, 7).is_some());
    tokio::time::advance(Duration::from_mins(1)).await;
    assert_eq!(access.count_change(&researcher, 7), None);
}
