//! The file that keeps base URL and credential for people who don't want to export them. The environment wins over it.

use std::{
    collections::HashMap,
    fmt::Write as _,
    io::{self, BufRead as _, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
};

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::{print, text};
use crate::{
    disk::{self, FileMode, Links},
    error::{Error, ErrorKind, Result},
    options::ClientBuilder,
};

/// A larger file is not one of ours.
const MOST: u64 = 1 << 20;
const DEFAULT: &str = "default";

/// One table of the file.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Profile {
    base_url: Option<String>,
    app_code: Option<SecretString>,
    app_key: Option<SecretString>,
    app_secret: Option<SecretString>,
}

/// Where the profiles are.
pub(super) fn path(variable: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let folder = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = if cfg!(windows) { folder("APPDATA") } else { folder("XDG_CONFIG_HOME") }
        .or_else(|| Some(folder("HOME")?.join(".config")))?;
    Some(folder.join("xiezhen").join("config.toml"))
}

/// Lays a profile below what the environment says. Without a `name`, one called `default` is taken if it is there.
pub(super) fn apply(
    client: ClientBuilder,
    name: Option<&str>,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<ClientBuilder> {
    let Some(file) = path(&variable) else { return Ok(client) };
    let Some(profiles) = read(&file)? else {
        return name.map_or(Ok(client), |name| Err(unknown(name, &file)));
    };
    let Some(profile) = profiles.get(name.unwrap_or(DEFAULT)).cloned() else {
        return name.map_or(Ok(client), |name| Err(unknown(name, &file)));
    };
    let is_set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
    let variables = ["XIEZHEN_BASE_URL", "XIEZHEN_APP_CODE", "XIEZHEN_APP_KEY", "XIEZHEN_APP_SECRET"];
    let winners: Vec<&str> = variables.into_iter().filter(|name| is_set(name)).collect();
    // Who names a profile, and a second account's at that, is not to be billed on the first in silence.
    if let Some(name) = name
        && !winners.is_empty()
    {
        print::say(&text::environment_wins(print::plain(name), winners.join(", ")));
    }
    let mut client = client;
    if let Some(url) = profile.base_url.filter(|_| !is_set("XIEZHEN_BASE_URL")) {
        client = client.base_url(url);
    }
    if ["XIEZHEN_APP_CODE", "XIEZHEN_APP_KEY", "XIEZHEN_APP_SECRET"].into_iter().any(is_set) {
        return Ok(client);
    }
    if let Some(code) = profile.app_code {
        client = client.app_code(code);
    }
    if let (Some(key), Some(secret)) = (profile.app_key, profile.app_secret) {
        client = client.app_key(key).app_secret(secret);
    }
    Ok(client)
}

fn unknown(name: &str, file: &Path) -> Error {
    Error::invalid(vec![format!("there is no profile {name:?} in {}: make it with xiezhen login", file.display())])
}

/// The profiles of the file; `None` if there is no file. One that others can read is refused: it holds credentials.
fn read(file: &Path) -> Result<Option<HashMap<String, Profile>>> {
    let doing = "can't read the profiles";
    let about = match disk::open_regular(file, Links::Follow) {
        Ok((_, about)) => about,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io(doing, file, error)),
    };
    #[cfg(unix)]
    if std::os::unix::fs::PermissionsExt::mode(&about.permissions()) & 0o077 != 0 {
        let message = format!("{} can be read by others: chmod 600 {0}", file.display());
        return Err(Error::new(ErrorKind::Io, message).with_path(file));
    }
    let _ = about;
    let text = disk::read_text(file, MOST).map_err(|error| Error::io(doing, file, error))?;
    // Not what it says: it may quote a credential.
    toml::from_str(&text).map(Some).map_err(|error| {
        let line = error.span().map_or(1, |span| text.get(..span.start).unwrap_or_default().lines().count().max(1));
        let message = format!("{doing} {}: line {line} is not valid TOML", file.display());
        Error::new(ErrorKind::Io, message).with_path(file)
    })
}

/// Asks for address and credential, and keeps them under `name`.
pub(super) fn login(name: Option<&str>, variable: impl Fn(&str) -> Option<String>) -> Result<()> {
    let name = name.unwrap_or(DEFAULT);
    let Some(file) = path(&variable) else {
        let variable = if cfg!(windows) { "APPDATA" } else { "HOME" };
        return Err(Error::invalid(vec![format!("no home folder is known: set {variable}")]));
    };
    let mut profiles = read(&file)?.unwrap_or_default();
    let base_url = ask(&text::ask_base_url())?;
    let app_code = ask_secret(&text::ask_app_code())?;
    let mut profile = Profile { base_url: Some(base_url.clone()), ..Profile::default() };
    if app_code.expose_secret().is_empty() {
        profile.app_key = Some(ask_secret(&text::ask_app_key())?);
        profile.app_secret = Some(ask_secret(&text::ask_app_secret())?);
    } else {
        profile.app_code = Some(app_code);
    }
    check(&profile)?;
    profiles.insert(name.to_owned(), profile);
    let folder = disk::folder(&file);
    std::fs::create_dir_all(folder).map_err(|error| Error::io("can't make the folder", folder, error))?;
    disk::write(&file, written(&profiles).as_bytes(), FileMode::Owner)
        .map_err(|error| Error::io("can't write the profiles", &file, error))?;
    print::say(&text::logged_in(name, file.display()));
    Ok(())
}

/// The same checks as for any client: nothing is kept that could not be used.
fn check(profile: &Profile) -> Result<()> {
    let mut client = ClientBuilder::default().environment([]).allow_http(true);
    if let Some(url) = &profile.base_url {
        client = client.base_url(url);
    }
    if let Some(code) = &profile.app_code {
        client = client.app_code(code.clone());
    }
    if let (Some(key), Some(secret)) = (&profile.app_key, &profile.app_secret) {
        client = client.app_key(key.clone()).app_secret(secret.clone());
    }
    client.build().map(drop)
}

fn written(profiles: &HashMap<String, Profile>) -> String {
    let mut names: Vec<&String> = profiles.keys().collect();
    names.sort();
    let mut text = String::new();
    for (name, profile) in names.into_iter().filter_map(|name| profiles.get_key_value(name)) {
        let secret = |secret: &Option<SecretString>| secret.as_ref().map(|secret| secret.expose_secret().to_owned());
        _ = writeln!(text, "[{}]", quoted(name));
        for (field, value) in [
            ("base_url", profile.base_url.clone()),
            ("app_code", secret(&profile.app_code)),
            ("app_key", secret(&profile.app_key)),
            ("app_secret", secret(&profile.app_secret)),
        ] {
            if let Some(value) = value {
                _ = writeln!(text, "{field} = {}", quoted(&value));
            }
        }
        text.push('\n');
    }
    text
}

/// A basic string of TOML is one of JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn ask(question: &str) -> Result<String> {
    let mut answer = String::new();
    if io::stdin().is_terminal() {
        let _ = write!(io::stderr().lock(), "{question}: ");
    }
    io::stdin().lock().read_line(&mut answer).map_err(unanswered)?;
    Ok(answer.trim().to_owned())
}

/// Not shown as it is typed. From a pipe, a line.
fn ask_secret(question: &str) -> Result<SecretString> {
    if !io::stdin().is_terminal() {
        return ask(question).map(SecretString::from);
    }
    let typed = rpassword::prompt_password(format!("{question}: ")).map_err(unanswered)?;
    Ok(SecretString::from(typed.trim()))
}

fn unanswered(error: io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("no answer can be read: {error}")).with_source(error)
}
