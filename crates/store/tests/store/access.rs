use fleetward_store::{NewToken, Role, StoreError, TokenKind};
use rusqlite::Connection;

use crate::{Fixture, at};

const PASSWORD: &str = "correct horse battery";

fn api_token(scope: Role) -> NewToken<'static> {
    NewToken { name: "grafana", kind: TokenKind::Api, scope, user: None, expires_at: at(1000) }
}

#[test]
fn there_is_no_default_user_and_no_short_password() {
    let Fixture { store, folder: _folder } = Fixture::new();
    assert_eq!(store.users().unwrap(), []);
    assert!(store.check_password("admin", "admin", at(0)).unwrap().is_none());
    let short = store.add_user("ada", "eleven char", Role::Admin, at(0));
    assert!(matches!(short, Err(StoreError::Invalid { field: "password", .. })));
    assert!(matches!(store.add_user("a b", PASSWORD, Role::Admin, at(0)), Err(StoreError::Invalid { .. })));
}

#[test]
fn a_password_opens_and_is_stored_as_argon2id() {
    let Fixture { store, folder: _folder } = Fixture::new();
    store.add_user("ada", PASSWORD, Role::Operator, at(0)).unwrap();
    assert!(matches!(store.add_user("ada", PASSWORD, Role::Viewer, at(0)), Err(StoreError::Exists { .. })));
    assert!(store.check_password("ada", "correct horse batterx", at(1)).unwrap().is_none());
    assert!(store.check_password("bob", PASSWORD, at(1)).unwrap().is_none());
    let ada = store.check_password("ada", PASSWORD, at(2)).unwrap().unwrap();
    assert_eq!((ada.role, ada.last_login), (Role::Operator, Some(at(2))));
    let raw = Connection::open(store.path()).unwrap();
    let hash: String = raw.query_row("SELECT password FROM user", [], |row| row.get(0)).unwrap();
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    store.set_password("ada", "another horse battery").unwrap();
    assert!(store.check_password("ada", PASSWORD, at(3)).unwrap().is_none());
}

#[test]
fn the_last_administrator_stays() {
    let Fixture { store, folder: _folder } = Fixture::new();
    store.add_user("ada", PASSWORD, Role::Admin, at(0)).unwrap();
    assert!(store.remove_user("ada").is_err());
    assert!(store.set_role("ada", Role::Viewer).is_err());
    store.add_user("bob", PASSWORD, Role::Admin, at(0)).unwrap();
    store.set_role("ada", Role::Viewer).unwrap();
    store.remove_user("ada").unwrap();
    assert!(matches!(store.remove_user("ada"), Err(StoreError::NotFound { .. })));
    assert_eq!(store.users().unwrap().len(), 1);
}

#[test]
fn a_token_is_shown_once_and_works_until_it_ends() {
    let Fixture { store, folder: _folder } = Fixture::new();
    let (token, text) = store.create_token(&api_token(Role::Operator), at(0)).unwrap();
    assert!(text.starts_with("fwt_") && text.len() == 4 + 43, "{text}");
    let file = std::fs::read(store.path()).unwrap();
    let wal = std::fs::read(store.path().with_extension("db-wal")).unwrap_or_default();
    assert!(!file.windows(43).chain(wal.windows(43)).any(|w| w == &text.as_bytes()[4..]), "the text is not stored");

    let used = store.authenticate(&text, at(5)).unwrap().unwrap();
    assert_eq!((used.id, used.scope, used.last_used), (token.id, Role::Operator, Some(at(5))));
    assert_eq!(store.authenticate(&text, at(20)).unwrap().unwrap().last_used, Some(at(5)), "to the minute");
    assert_eq!(store.authenticate(&text, at(90)).unwrap().unwrap().last_used, Some(at(90)));
    assert!(store.authenticate(&text, at(1000)).unwrap().is_none(), "expired");
    for wrong in ["", "fwt_", &text[4..], &format!("{text}x"), &"fwt_x".repeat(100)] {
        assert!(store.authenticate(wrong, at(5)).unwrap().is_none());
    }
    store.revoke_token(token.id).unwrap();
    assert!(store.authenticate(&text, at(6)).unwrap().is_none());
    assert!(matches!(store.revoke_token(token.id), Err(StoreError::NotFound { .. })));
    assert!(store.create_token(&api_token(Role::Viewer), at(1000)).is_err(), "already over");
}

#[test]
fn a_sign_in_ends_with_what_it_rests_on() {
    let Fixture { store, folder: _folder } = Fixture::new();
    store.add_user("ada", PASSWORD, Role::Admin, at(0)).unwrap();
    store.add_user("bob", PASSWORD, Role::Operator, at(0)).unwrap();
    let sign_in = || {
        let new = NewToken { kind: TokenKind::SignIn, user: Some("bob"), ..api_token(Role::Operator) };
        store.create_token(&new, at(0)).unwrap().1
    };
    let ends = |text: &str| store.authenticate(text, at(1)).unwrap().is_none();
    let text = sign_in();
    assert!(!ends(&text));
    store.set_role("bob", Role::Viewer).unwrap();
    assert!(ends(&text), "a new role");
    let text = sign_in();
    store.set_password("bob", "another horse battery").unwrap();
    assert!(ends(&text), "a new password");
    let text = sign_in();
    store.remove_user("bob").unwrap();
    assert!(ends(&text), "no user");
}

#[test]
fn a_setup_token_makes_one_administrator() {
    let Fixture { store, folder: _folder } = Fixture::new();
    let new = NewToken { kind: TokenKind::Setup, ..api_token(Role::Admin) };
    let (_, text) = store.create_token(&new, at(0)).unwrap();
    assert!(store.authenticate(&text, at(1)).unwrap().is_none(), "it opens nothing else");
    assert!(store.set_up_admin(&text, "ada", "short", at(1)).is_err(), "and is not used up by a mistake");
    assert!(store.set_up_admin(&text, "ada", PASSWORD, at(1)).unwrap().is_some());
    assert!(store.set_up_admin(&text, "eve", PASSWORD, at(1)).unwrap().is_none());
    assert_eq!(store.users().unwrap()[0].role, Role::Admin);
}
