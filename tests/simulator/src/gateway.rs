//! The gateway in front of the service: who may pass, and how it refuses (docs/gateway.md).

use crate::answer::Answer;
use crate::clock;
use crate::journal::Auth;
use crate::signature::Signed;
use std::collections::HashMap;

/// How long a timestamp is good and a nonce remembered.
const WINDOW_MS: i64 = 15 * 60 * 1000;

/// What the gateway accepts.
#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    pub(crate) code: String,
    pub(crate) key: String,
    pub(crate) secret: String,
}

/// A refusal: status, the code of a VPC instance where there is one, the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: Option<&'static str>,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(status: u16, code: Option<&'static str>, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    /// The gateway says why in headers; its body is empty.
    pub(crate) fn answer(&self) -> Answer {
        let mut answer = Answer::new(self.status).header("X-Ca-Error-Message", &self.message);
        if let Some(code) = self.code {
            answer = answer.header("X-Ca-Error-Code", code);
        }
        answer
    }
}

/// The nonces seen within the window, per key.
#[derive(Debug, Default)]
pub(crate) struct Nonces {
    seen: HashMap<(String, String), i64>,
    swept_at: i64,
}

impl Nonces {
    /// Whether this is the nonce's first use; from now on it is used.
    fn take(&mut self, key: &str, nonce: &str, now: i64) -> bool {
        if now - self.swept_at > WINDOW_MS {
            self.seen.retain(|_, at| now - *at <= WINDOW_MS);
            self.swept_at = now;
        }
        match self.seen.insert((key.to_owned(), nonce.to_owned()), now) {
            Some(before) => now - before > WINDOW_MS,
            None => true,
        }
    }
}

/// Who sent the request, and the refusal if that does not let it pass.
pub(crate) struct Verdict {
    pub(crate) auth: Auth,
    pub(crate) refusal: Option<Refusal>,
}

/// Looks at the credential of one request.
pub(crate) fn judge(signed: &Signed<'_>, accepted: &Credentials, nonces: &mut Nonces, skew_ms: i64) -> Verdict {
    let authorization = signed.header("authorization");
    let (sent, outcome) = if !authorization.is_empty() {
        (Auth::AppCode, app_code(authorization, accepted))
    } else if signed.headers.contains_key("x-ca-key") {
        (Auth::Signature, signature(signed, accepted, nonces, clock::wall_ms() + skew_ms))
    } else {
        (Auth::None, Err(Refusal::new(400, Some("A400MA"), "Need authorization")))
    };
    match outcome {
        Ok(()) => Verdict { auth: sent, refusal: None },
        Err(refusal) => {
            let auth = if sent == Auth::None { Auth::None } else { Auth::Wrong };
            Verdict { auth, refusal: Some(refusal) }
        }
    }
}

fn app_code(authorization: &str, accepted: &Credentials) -> Result<(), Refusal> {
    if authorization.strip_prefix("APPCODE ") == Some(accepted.code.as_str()) {
        Ok(())
    } else {
        Err(Refusal::new(400, Some("A400AC"), "Invalid AppCode"))
    }
}

fn signature(signed: &Signed<'_>, accepted: &Credentials, nonces: &mut Nonces, now: i64) -> Result<(), Refusal> {
    let key = signed.header("x-ca-key");
    if key != accepted.key {
        return Err(Refusal::new(400, Some("A400IK"), "Invalid AppKey"));
    }
    let sent = signed.header("x-ca-signature");
    if sent.is_empty() {
        return Err(Refusal::new(401, None, "Empty Signature"));
    }
    if !matches!(signed.header("x-ca-stage"), "" | "RELEASE" | "PRE" | "TEST") {
        return Err(Refusal::new(400, Some("I400SG"), "Invalid Stage"));
    }
    fresh(signed.header("x-ca-timestamp"), now)?;
    if !signed.content_md5_fits() {
        return Err(Refusal::new(400, None, "Invalid Content-MD5"));
    }
    // Without a list of signed headers the key is signed all the same, in either spelling.
    let string = signed.string_to_sign("x-ca-key");
    let spelt = [string.clone(), signed.string_to_sign("X-Ca-Key")];
    let fits = |string: &String| signed.sign(&accepted.secret, string).as_deref() == Some(sent);
    if !spelt.iter().any(fits) {
        let shown = string.replace('\n', "#");
        return Err(Refusal::new(403, Some("A403IS"), format!("Invalid Signature, Server StringToSign:{shown}")));
    }
    let nonce = signed.header("x-ca-nonce");
    if !nonce.is_empty() && !nonces.take(key, nonce, now) {
        return Err(Refusal::new(400, None, "Nonce Used"));
    }
    Ok(())
}

fn fresh(timestamp: &str, now: i64) -> Result<(), Refusal> {
    if timestamp.is_empty() {
        return Ok(());
    }
    let Ok(sent) = timestamp.parse::<i64>() else {
        return Err(Refusal::new(400, None, "Invalid Timestamp"));
    };
    if now.abs_diff(sent) > WINDOW_MS.unsigned_abs() {
        return Err(Refusal::new(400, None, "Timestamp Expired"));
    }
    Ok(())
}
