//! The HTTP clients of one process: TLS, proxies, and who may share a connection.

use std::sync::Arc;

use once_cell::sync::OnceCell;
use reqwest::{Client, ClientBuilder, Url, redirect};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::{CryptoProvider, ring},
};

use super::{no_proxy, resolver::Resolver};
use crate::{
    addresses::Reach,
    error::{Error, ErrorKind, Result},
    options::{Options, Route, is_loopback},
};

/// Built when first used: a client that only polls never pays for the others.
pub(crate) struct Connections {
    options: Arc<Options>,
    tls: OnceCell<ClientConfig>,
    repeatable: OnceCell<Client>,
    creates: OnceCell<Client>,
    pictures: OnceCell<Client>,
    direct_pictures: OnceCell<Client>,
    redirected_pictures: OnceCell<Client>,
    direct_redirected_pictures: OnceCell<Client>,
}

/// How a host is reached.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Direct,
    /// Through what the options or the environment name, if they name one.
    Proxied,
}

/// Whether certificates can matter.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tls {
    Verified,
    Unused,
}

impl Connections {
    pub(crate) fn new(options: Arc<Options>) -> Self {
        Self {
            options,
            tls: OnceCell::new(),
            repeatable: OnceCell::new(),
            creates: OnceCell::new(),
            pictures: OnceCell::new(),
            direct_pictures: OnceCell::new(),
            redirected_pictures: OnceCell::new(),
            direct_redirected_pictures: OnceCell::new(),
        }
    }

    /// For gateway calls that may be repeated: pooled, no redirects.
    pub(crate) fn repeatable(&self) -> Result<&Client> {
        self.repeatable.get_or_try_init(|| self.gateway().and_then(build))
    }

    /// For creates: a connection of their own each, so that a stale one can't make an outcome unknown.
    pub(crate) fn creates(&self) -> Result<&Client> {
        self.creates.get_or_try_init(|| build(self.gateway()?.pool_max_idle_per_host(0)))
    }

    /// For pictures: the caller follows redirects and checks each hop. What was connected to as a host that was
    /// named is not used for one that was redirected to.
    pub(crate) fn pictures(&self, url: &Url, reach: Reach) -> Result<&Client> {
        let way = self.way_to(url);
        let cell = match (reach == Reach::Redirected, way) {
            (false, Way::Proxied) => &self.pictures,
            (false, Way::Direct) => &self.direct_pictures,
            (true, Way::Proxied) => &self.redirected_pictures,
            (true, Way::Direct) => &self.direct_redirected_pictures,
        };
        cell.get_or_try_init(|| build(self.base(way, Tls::Verified, reach)?))
    }

    fn gateway(&self) -> Result<ClientBuilder> {
        let base = &self.options.base_url;
        let local = is_loopback(base);
        // Plain http to another machine may go through a proxy that speaks TLS.
        let tls = if local && base.scheme() == "http" { Tls::Unused } else { Tls::Verified };
        self.base(self.way_to(base), tls, Reach::Anywhere)
    }

    /// Whether a proxy is asked for `url`, whatever the HTTP library makes of `NO_PROXY`.
    fn way_to(&self, url: &Url) -> Way {
        let is_exempt = matches!(self.options.limits.route, Route::Environment) && no_proxy::bypasses(url);
        if is_loopback(url) || is_exempt { Way::Direct } else { Way::Proxied }
    }

    fn base(&self, way: Way, tls: Tls, reach: Reach) -> Result<ClientBuilder> {
        let proxies = match way {
            Way::Direct => Vec::new(),
            Way::Proxied => self.options.proxies.hosts.clone(),
        };
        let resolver = Resolver { reach, proxies };
        let builder = Client::builder()
            .tls_backend_preconfigured(self.tls(tls)?)
            .connect_timeout(self.options.limits.connect_timeout)
            // Shorter than what gateways keep: most connections are closed by us, not under us.
            .pool_idle_timeout(std::time::Duration::from_secs(45))
            .retry(reqwest::retry::never())
            .redirect(redirect::Policy::none())
            .referer(false)
            .dns_resolver(resolver)
            .user_agent(concat!("xiezhen/", env!("CARGO_PKG_VERSION")));
        Ok(match &self.options.limits.route {
            _ if way == Way::Direct => builder.no_proxy(),
            Route::Environment => builder,
            Route::Direct => builder.no_proxy(),
            Route::Proxy(proxy) => builder.proxy(reqwest::Proxy::all(proxy).map_err(unusable)?),
        })
    }

    /// Verifies against the system's authorities and `ca_file`; plain http to this machine needs none of that loaded.
    fn tls(&self, tls: Tls) -> Result<ClientConfig> {
        if tls == Tls::Verified {
            return self.tls.get_or_try_init(|| verifying(&self.options)).cloned();
        }
        let versions = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
        let builder = versions.map_err(unusable)?;
        Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn verifying(options: &Options) -> Result<ClientConfig> {
    use rustls_platform_verifier::Verifier;

    let versions = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    let builder = versions.map_err(unusable)?;
    let authorities = &options.limits.authorities;
    // Asked without the caller's own first: with those, a machine that has no authorities would seem to have some.
    let system = match Verifier::new(provider()) {
        Ok(_) if !authorities.is_empty() => Verifier::new_with_extra_roots(authorities.iter().cloned(), provider()),
        system => system,
    };
    Ok(match system {
        Ok(verifier) => builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth(),
        // Slim containers have no trust store: the bundled authorities serve there.
        Err(_) => {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
            roots.add_parsable_certificates(authorities.iter().cloned());
            builder.with_root_certificates(roots).with_no_client_auth()
        }
    })
}

fn build(builder: ClientBuilder) -> Result<Client> {
    builder.build().map_err(unusable)
}

fn unusable(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Transport, format!("no connection can be set up: {error}")).with_source(error)
}
