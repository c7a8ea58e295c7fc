//! Options are checked all at once, and the environment fills in what is not given.

use std::collections::HashMap;

use super::*;

fn check(builder: ClientBuilder, environment: &[(&str, &str)]) -> Result<Options> {
    let environment: HashMap<&str, &str> = environment.iter().copied().collect();
    builder.check(|name| environment.get(name).map(|value| (*value).to_owned()))
}

fn base(url: &str) -> Result<Options> {
    check(ClientBuilder::default().base_url(url).app_code("c".to_owned()), &[])
}

#[test]
fn the_environment_fills_in_and_a_given_credential_switches_it_off() {
    let environment = [("XIEZHEN_BASE_URL", "https://a.example/p/"), ("XIEZHEN_APP_CODE", "code")];
    let options = check(ClientBuilder::default(), &environment).unwrap();
    assert_eq!(options.base_url.as_str(), "https://a.example/p");
    assert!(!options.credential.signs());

    let given = ClientBuilder::default().app_key("k").app_secret("s".to_owned());
    assert!(check(given, &environment).unwrap().credential.signs());
    let half = check(ClientBuilder::default().app_key("k"), &environment).unwrap_err();
    assert!(half.message().contains("without app_secret"), "{half}");
    let empty = [("XIEZHEN_BASE_URL", ""), ("XIEZHEN_APP_CODE", "")];
    assert_eq!(check(ClientBuilder::default(), &empty).unwrap_err().problems().len(), 2);
}

#[test]
fn one_credential_and_not_two() {
    let both = ClientBuilder::default().base_url("https://a.example").app_code("c".to_owned()).app_key("k");
    assert!(check(both, &[]).unwrap_err().message().contains("choose one"));
    let unprintable = ClientBuilder::default().base_url("https://a.example").app_code("a\nb".to_owned());
    let error = check(unprintable, &[]).unwrap_err();
    assert!(!error.message().contains("a\nb"), "no secret in a message: {error}");
}

#[test]
fn a_base_url_says_where_and_nothing_else() {
    for refused in [
        "",
        "a.example",
        "ftp://a.example",
        "https://",
        "https://me@a.example",
        "https://me:secret@a.example",
        "https://a.example?x=1",
        "https://a.example#x",
        "http://a.example",
        "http://localhost.a.example",
    ] {
        assert!(base(refused).is_err(), "{refused}");
    }
    for accepted in ["https://a.example", "http://127.0.0.1:8080", "http://[::1]/x", "http://localhost/a/b/"] {
        assert!(base(accepted).is_ok(), "{accepted}");
    }
    let allowed = ClientBuilder::default().base_url("http://a.example").app_code("c".to_owned()).allow_http(true);
    assert!(check(allowed, &[]).is_ok());
}

#[test]
fn a_proxy_is_asked_over_http_or_https() {
    let with = |proxy: &str| {
        check(ClientBuilder::default().base_url("https://a.example").app_code("c".to_owned()).proxy(proxy), &[])
    };
    for refused in [
        "foo",
        "proxy:3128",
        "proxy.example:3128",
        "127.0.0.1:3128",
        "ftp://proxy",
        "socks4://me:secret@proxy:1080",
        "http://",
        "https://:3128",
        "http://proxy:99999",
        " ",
        "me:secret@proxy:3128",
    ] {
        let error = with(refused).expect_err(refused);
        assert_eq!(error.problems().len(), 1, "{refused}: {error}");
        assert!(error.message().starts_with("proxy must begin with http://, https://, socks5://"), "{error}");
        assert!(!error.message().contains("secret"), "{error}");
    }
    for accepted in [
        "",
        "socks5h://proxy:1080",
        "http://proxy:3128",
        "https://me:secret@proxy.example",
        "HTTP://127.0.0.1:1/",
        "http://[::1]:1",
    ] {
        assert!(with(accepted).is_ok(), "{accepted}");
    }
}

#[test]
fn a_builder_shows_no_secret() {
    let builder = ClientBuilder::default()
        .base_url("https://me:secret-1@a.example")
        .app_code("secret-2".to_owned())
        .app_key("secret-3")
        .app_secret("secret-4".to_owned())
        .proxy("http://me:secret-5@proxy:3128")
        .environment([("XIEZHEN_APP_CODE".to_owned(), "secret-6".to_owned())]);
    let shown = format!("{builder:?} {builder:#?}");
    assert!(shown.contains("ClientBuilder") && !shown.contains("secret-"), "{shown}");
    let limits = check(builder, &[]).map_or_else(|error| error.to_string(), |options| format!("{options:?}"));
    assert!(!limits.contains("secret-"), "{limits}");
}

#[test]
fn everything_out_of_range_is_said_at_once() {
    let never = PollSchedule { initial: Duration::ZERO, factor: 0.5, max: Duration::MAX };
    let error = check(
        ClientBuilder::default()
            .timeout(Duration::MAX)
            .connect_timeout(Duration::ZERO)
            .requests_per_second(f64::NAN)
            .upload_concurrency(0_usize)
            .max_photo_bytes(0_u64)
            .training_schedule(never)
            .proxy("::not a proxy::")
            .ca_file("/no/such/file.pem"),
        &[],
    )
    .unwrap_err();
    assert_eq!(error.problems().len(), 10, "{:#?}", error.problems());
}

#[test]
fn pauses_grow_up_to_their_longest_and_never_overflow() {
    let seconds: Vec<u64> = (0..6).map(|polls| PollSchedule::TRAINING.pause(polls).as_secs()).collect();
    assert_eq!(seconds, [15, 22, 33, 50, 60, 60]);
    let steep = PollSchedule { initial: Duration::from_secs(1), factor: 1e300, max: Duration::from_secs(9) };
    assert_eq!(steep.pause(u32::MAX), Duration::from_secs(9));
}
