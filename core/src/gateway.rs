//! What the gateway's refusals mean: its codes, then the beginning of its message, then the status.

use std::time::{Duration, SystemTime};

use reqwest::{
    StatusCode,
    header::{DATE, HeaderMap, RETRY_AFTER},
};

use crate::{
    answer::Redact,
    call::AttemptOutcome,
    error::{Error, ErrorKind},
};

/// One meaning: the codes (newer gateways) and message beginnings (all of them) that carry it.
struct Row {
    codes: &'static [&'static str],
    messages: &'static [&'static str],
    kind: ErrorKind,
    outcome: AttemptOutcome,
    advice: &'static str,
}

const fn row(
    codes: &'static [&'static str],
    messages: &'static [&'static str],
    kind: ErrorKind,
    outcome: AttemptOutcome,
    advice: &'static str,
) -> Row {
    Row { codes, messages, kind, outcome, advice }
}

/// The classes of the gateway's errors. The first row that fits wins.
const ROWS: &[Row] = &[
    row(
        &["A400AC", "A401AC", "A400MA"],
        &["Invalid AppCode", "Need authorization"],
        ErrorKind::Authentication,
        AttemptOutcome::Refused,
        "check the AppCode",
    ),
    row(
        &["A400IK", "A403IS"],
        &["Invalid AppKey", "Invalid AppSecret", "Invalid Signature", "Empty Signature"],
        ErrorKind::Authentication,
        AttemptOutcome::Refused,
        "check the AppKey and the AppSecret",
    ),
    row(
        &[],
        &["Timestamp Expired", "Invalid Timestamp"],
        ErrorKind::Authentication,
        AttemptOutcome::ClockRefused,
        "set this machine's clock",
    ),
    row(
        &[],
        &["Nonce Used"],
        ErrorKind::Authentication,
        AttemptOutcome::NonceUsed,
        "an earlier copy of this request arrived",
    ),
    row(
        &["B403MQ"],
        &["Quota Exhausted", "Api Market Subscription quota exhausted"],
        ErrorKind::Quota,
        AttemptOutcome::Refused,
        "the calls that were bought are used up: buy more",
    ),
    row(
        &["B403ME", "B403MI", "A403EP"],
        &["Quota Expired", "Expiry of Authorization", "Api Market Subscription"],
        ErrorKind::Quota,
        AttemptOutcome::Refused,
        "the subscription is over or not valid: renew it",
    ),
    row(&[], &["User Arrears"], ErrorKind::Quota, AttemptOutcome::Refused, "the account is in arrears"),
    row(
        &["B403OD", "B403MO", "B451DO", "B451GO"],
        &["Provider Account Overdue"],
        ErrorKind::Api,
        AttemptOutcome::Refused,
        "the provider's side is blocked: tell the vendor",
    ),
    row(
        &["I403AA", "A403PR", "A403IP", "A403VN", "A403AC", "A403CO", "A403IN", "A403FC"],
        &["Unauthorized"],
        ErrorKind::Permission,
        AttemptOutcome::Refused,
        "this app is not authorised for the API, or a rule of the gateway keeps it out",
    ),
    row(
        &[],
        &["Throttled by DOMAIN"],
        ErrorKind::RateLimited,
        AttemptOutcome::ThrottledForToday,
        "the domain's daily calls are used up: use the API's own domain",
    ),
    row(
        // ID, IN, GR, PA, PR, SR, MR, and whatever else is throttled one day.
        &["T429"],
        &["Throttled by"],
        ErrorKind::RateLimited,
        AttemptOutcome::Throttled,
        "lower ‹requests_per_second›",
    ),
    row(
        &["I413RL", "I413UL"],
        &[],
        ErrorKind::Api,
        AttemptOutcome::Refused,
        "the request is too large for this gateway: use a smaller photo",
    ),
    row(
        &["I403PT"],
        &[],
        ErrorKind::Api,
        AttemptOutcome::Refused,
        "the API is not offered over this scheme: try the other of http and https",
    ),
    row(
        &[
            "I400HD", "I400MH", "I400BD", "I400PA", "I400RU", "I400CT", "I400I5", "I400NC", "I400MP", "I400IP",
            "I400SG", "I405UM", "I404DO", "I404NF", "I404NR", "I404SR",
        ],
        &[
            "Invalid Param Location",
            "Invalid Url",
            "Invalid HttpMethod",
            "Invalid Domain",
            "Empty Request Body",
            "Invalid Request Body",
            "Unsupported Multipart",
            "Invalid Content-MD5",
            "API Not Found",
        ],
        ErrorKind::Api,
        AttemptOutcome::Refused,
        "check the base URL",
    ),
    row(
        &["I410GG", "X400PM", "X500ED", "X500AM", "X403DG", "I400JP"],
        &[],
        ErrorKind::Api,
        AttemptOutcome::Refused,
        "the provider's gateway is set up wrongly: tell the vendor",
    ),
    row(
        &[
            "D504RE", "D504IL", "D504CO", "D504CS", "X504VE", "D504TO", "X504TO", "N502RE", "D502FC", "X503BZ",
            "D503BB", "D503CB", "X500ER",
        ],
        &[
            "Backend service",
            "Async Service",
            "Service Unavailable",
            "Service Busy",
            "Internal Error",
            "Failed To Invoke Backend Service",
        ],
        ErrorKind::Transport,
        AttemptOutcome::Lost,
        "the service behind the gateway did not answer: try later",
    ),
];

/// What the gateway wrote beside the body.
pub(crate) struct ErrorHeaders {
    pub(crate) request_id: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
}

impl ErrorHeaders {
    /// What is told of them is told without what `redact` takes away.
    pub(crate) fn read(headers: &HeaderMap, redact: Redact<'_>) -> Self {
        let text = |name: &str| {
            let value = headers.get(name)?;
            let text = redact(String::from_utf8_lossy(value.as_bytes()).trim());
            (!text.is_empty()).then_some(text)
        };
        Self { request_id: text("x-ca-request-id"), code: text("x-ca-error-code"), message: text("x-ca-error-message") }
    }

    /// Whether the gateway left none: every answer of its own has at least a request id.
    fn are_missing(&self) -> bool {
        self.request_id.is_none() && self.code.is_none() && self.message.is_none()
    }

    /// The row that these headers name: by code first, by the message's beginning else.
    fn row(&self) -> Option<&'static Row> {
        let daily = self.message.as_deref().is_some_and(|message| begins(message, "Throttled by DOMAIN"));
        let by_code = |code: &String| ROWS.iter().find(|row| row.codes.iter().any(|known| code.starts_with(known)));
        let by_message =
            |message: &String| ROWS.iter().find(|row| row.messages.iter().any(|beginning| begins(message, beginning)));
        let code = if daily { None } else { self.code.as_ref() };
        code.and_then(by_code).or_else(|| self.message.as_ref().and_then(by_message))
    }
}

fn begins(text: &str, beginning: &str) -> bool {
    text.get(..beginning.len()).is_some_and(|start| start.eq_ignore_ascii_case(beginning))
}

/// What a status alone says, where the gateway left no mark: it came from the vendor's side.
fn by_status(status: StatusCode) -> (ErrorKind, AttemptOutcome) {
    match status.as_u16() {
        300..=399 => (ErrorKind::Protocol, AttemptOutcome::Redirected),
        401 => (ErrorKind::Authentication, AttemptOutcome::Refused),
        403 => (ErrorKind::Permission, AttemptOutcome::Refused),
        // The proxy's; it was not passed on.
        407 => (ErrorKind::Transport, AttemptOutcome::Refused),
        408 | 500..=599 => (ErrorKind::Transport, AttemptOutcome::Lost),
        429 => (ErrorKind::RateLimited, AttemptOutcome::Busy),
        400..=499 => (ErrorKind::Api, AttemptOutcome::Refused),
        _ => (ErrorKind::Protocol, AttemptOutcome::Unreadable),
    }
}

/// Turns an answer that is no 2xx into what it means for the next attempt, and its error.
pub(crate) fn refusal(status: StatusCode, headers: &ErrorHeaders, body: &[u8]) -> (AttemptOutcome, Error) {
    let row = headers.row();
    let (mut kind, mut outcome) = row.map_or_else(|| by_status(status), |row| (row.kind, row.outcome));
    // A refusal can be trusted not to have been carried out only where the status says so too (docs/design.md §5.1).
    if matches!(outcome, AttemptOutcome::Refused | AttemptOutcome::ThrottledForToday) && !is_refusal(status) {
        outcome = AttemptOutcome::Misconfigured;
    }
    let said = headers.message.as_deref().map(|message| format!(", {message:?}")).unwrap_or_default();
    let code = headers.code.as_deref().map(|code| format!(" {code}")).unwrap_or_default();
    let mut advice = row.map(|row| format!(": {}", row.advice)).unwrap_or_default();
    if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
        advice = ": the proxy wants a user name and a password: write them into its address".into();
    }
    if matches!(kind, ErrorKind::Authentication | ErrorKind::Permission | ErrorKind::Api)
        && is_refusal(status)
        && headers.are_missing()
        && is_page(body)
    {
        kind = ErrorKind::Protocol;
        advice = ": this is the page of a firewall or a captive portal on the way, not the service's answer".into();
    }
    let message = format!("HTTP {}{code}{said}{advice}", status.as_u16());
    (outcome, Error::new(kind, message).with_http_status(status.as_u16()))
}

/// Something that is not JSON.
fn is_page(body: &[u8]) -> bool {
    !body.trim_ascii().is_empty() && serde_json::from_slice::<serde::de::IgnoredAny>(body).is_err()
}

/// 4xx, but for 408: the server gave the request back.
fn is_refusal(status: StatusCode) -> bool {
    status.is_client_error() && status != StatusCode::REQUEST_TIMEOUT
}

/// `Retry-After`, in seconds or as a date. A year stands for any longer time: clocks have an end.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return (seconds >= 0.0)
            .then(|| Duration::try_from_secs_f64(seconds).map_or(LONGEST, |time| time.min(LONGEST)));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    // Whoever names a date means their own clock: this machine's may be hours away from it.
    let now = date(headers).unwrap_or_else(SystemTime::now);
    Some(until.duration_since(now).unwrap_or_default().min(LONGEST))
}

/// When the answer was written, by the clock of who wrote it.
pub(crate) fn date(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, code: &str, message: &str) -> (AttemptOutcome, ErrorKind) {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let headers = ErrorHeaders { request_id: None, code: text(code), message: text(message) };
        let (outcome, error) = refusal(StatusCode::from_u16(status).unwrap(), &headers, b"");
        (outcome, error.kind())
    }

    #[test]
    fn the_code_decides_before_the_message_and_the_status() {
        assert_eq!(refused(403, "T429IN", "Unauthorized"), (AttemptOutcome::Throttled, ErrorKind::RateLimited));
        assert_eq!(refused(403, "", "Unauthorized"), (AttemptOutcome::Refused, ErrorKind::Permission));
        assert_eq!(refused(429, "B403MQ", ""), (AttemptOutcome::Refused, ErrorKind::Quota));
    }

    #[test]
    fn the_daily_limit_of_a_domain_is_not_waited_out() {
        let daily = "Throttled by DOMAIN Flow Control";
        assert_eq!(refused(403, "", daily), (AttemptOutcome::ThrottledForToday, ErrorKind::RateLimited));
        assert_eq!(refused(429, "T429GR", daily), (AttemptOutcome::ThrottledForToday, ErrorKind::RateLimited));
        assert_eq!(
            refused(403, "", "Throttled by API Flow Control"),
            (AttemptOutcome::Throttled, ErrorKind::RateLimited)
        );
    }

    #[test]
    fn the_same_refusal_means_the_same_under_either_status() {
        for status in [400, 403] {
            assert_eq!(refused(status, "", "Invalid Signature, Server StringToSign:…").1, ErrorKind::Authentication);
            assert_eq!(refused(status, "", "Invalid AppCode").1, ErrorKind::Authentication);
        }
    }

    #[test]
    fn a_wrongly_set_up_gateway_is_not_tried_again() {
        assert_eq!(refused(500, "X500ED", ""), (AttemptOutcome::Misconfigured, ErrorKind::Api));
        assert_eq!(refused(403, "X403DG", ""), (AttemptOutcome::Refused, ErrorKind::Api));
        assert_eq!(refused(500, "", "Internal Error"), (AttemptOutcome::Lost, ErrorKind::Transport));
    }

    #[test]
    fn a_refusal_under_a_5xx_is_no_proof_that_nothing_was_done() {
        assert_eq!(refused(500, "B403MQ", "").0, AttemptOutcome::Misconfigured);
        // Found by fuzzing.
        assert_eq!(refused(500, "", "Throttled by DOMAIN Flow Control").0, AttemptOutcome::Misconfigured);
    }

    #[test]
    fn without_a_mark_the_status_decides() {
        for (status, kind) in [
            (302, ErrorKind::Protocol),
            (401, ErrorKind::Authentication),
            (403, ErrorKind::Permission),
            (404, ErrorKind::Api),
            (408, ErrorKind::Transport),
            (429, ErrorKind::RateLimited),
            (450, ErrorKind::Api),
            (503, ErrorKind::Transport),
        ] {
            assert_eq!(refused(status, "", "").1, kind, "{status}");
        }
    }

    #[test]
    fn a_page_of_a_firewall_says_nothing_about_the_credential() {
        let page = |request_id: Option<&str>, body: &[u8]| {
            let headers = ErrorHeaders { request_id: request_id.map(str::to_owned), code: None, message: None };
            let (outcome, error) = refusal(StatusCode::FORBIDDEN, &headers, body);
            (outcome, error.kind())
        };
        assert_eq!(page(None, b"<html>blocked</html>"), (AttemptOutcome::Refused, ErrorKind::Protocol));
        assert_eq!(page(Some("id"), b"<html>blocked</html>"), (AttemptOutcome::Refused, ErrorKind::Permission));
        assert_eq!(page(None, b"{\"msg\":\"no\"}"), (AttemptOutcome::Refused, ErrorKind::Permission));
        assert_eq!(page(None, b""), (AttemptOutcome::Refused, ErrorKind::Permission));
    }

    #[test]
    fn a_date_to_come_back_is_measured_on_the_clock_of_who_names_it() {
        let wait = |date: Option<SystemTime>, until: SystemTime| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, httpdate::fmt_http_date(until).parse().unwrap());
            if let Some(date) = date {
                headers.insert(DATE, httpdate::fmt_http_date(date).parse().unwrap());
            }
            retry_after(&headers).unwrap()
        };
        let (second, hour) = (Duration::from_secs(1), Duration::from_secs(3600));
        let now = SystemTime::now();
        for theirs in [now - hour, now, now + hour] {
            assert_eq!(wait(Some(theirs), theirs + 90 * second), 90 * second);
            assert_eq!(wait(Some(theirs), theirs - second), Duration::ZERO);
        }
        let measured_here = wait(None, now + 90 * second);
        assert!((85 * second..=90 * second).contains(&measured_here), "{measured_here:?}");
    }
}
