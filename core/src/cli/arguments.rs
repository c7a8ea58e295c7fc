//! What can be typed. Secrets can't: a command line is visible to every user of the machine.

#![allow(clippy::doc_markdown, reason = "these texts are printed as help")]

use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::{
    ArgAction, ArgGroup, Args, Parser, Subcommand,
    builder::{OsStringValueParser, TypedValueParser as _},
};

use super::{language::Language, receive::Receiving, report::quoted};
use crate::{
    options::{ClientBuilder, PollSchedule},
    photo::Rules,
};

const AFTER_HELP: &str = "\
Environment:
  XIEZHEN_BASE_URL                      where the API is, unless --base-url says so
  XIEZHEN_APP_CODE                      the credential: an AppCode, or
  XIEZHEN_APP_KEY, XIEZHEN_APP_SECRET   an AppKey and its secret, which sign each request
  HTTPS_PROXY, HTTP_PROXY, NO_PROXY     as everywhere; never asked for this machine
  XIEZHEN_LOG                           error, warn, info, debug or trace: what happens inside

Exit codes:
  0 done   2 invalid argument   3 authentication   4 permission   5 quota   6 rate limited   7 api
  8 protocol   9 transport   10 timeout   11 outcome unknown   12 task failed   13 file
  70 a defect of xiezhen   130 interrupted (143 by SIGTERM, 129 by SIGHUP)";

/// AI portraits (写真): photos of a person in, portraits on disk.
///
/// Results go to standard output, progress and errors to standard error.
#[derive(Debug, Parser)]
#[command(name = "xiezhen", version, after_help = AFTER_HELP, max_term_width = 110)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
    /// Write JSON for scripts: styles and status as one document; run and resume as one object a line, each event as
    /// it happens and the job at the end; what went wrong as an object of type error
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Say what happens inside, on standard error; twice for more
    #[arg(long, short, global = true, action = ArgAction::Count, conflicts_with = "quiet")]
    pub(super) verbose: u8,
    /// Show no progress
    #[arg(long, short, global = true)]
    pub(super) quiet: bool,
    /// The language of help and messages [default: as LC_ALL, LC_MESSAGES or LANG say]
    #[arg(long, global = true, value_name = "LANGUAGE")]
    pub(super) lang: Option<Language>,
    /// The profile to take base URL and credential from, where the environment has none [default: default]
    #[arg(long, global = true, value_name = "NAME")]
    pub(super) profile: Option<String>,
    #[command(flatten)]
    pub(super) connection: Connection,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the styles that pictures can be generated in
    Styles {
        /// Write a page of them with their template pictures, which are a part of it: it needs nobody once it is written
        #[arg(long, value_name = "FILE")]
        html: Option<PathBuf>,
    },
    /// Look at photos before anything is sent: what would be done to each, whether it would be refused, and what makes it
    /// train badly. Exits with 2 if one is refused
    Check {
        /// Photos, and folders of them
        #[arg(value_name = "PHOTO", required = true)]
        photos: Vec<PathBuf>,
        /// Write a page of them too, the bad ones first
        #[arg(long, value_name = "FILE")]
        html: Option<PathBuf>,
    },
    /// Make portraits: upload photos, train a model, generate, save. Run again, it resumes where it left off
    Run(Run),
    /// Make the portraits of many customers: each sub-folder is one. Run again, it resumes where it left off
    Batch(Batch),
    /// Look once at a task
    Status {
        /// The task, as events, errors and checkpoints name it
        task_id: String,
    },
    /// Go on with a run that was cut off, from its checkpoint
    Resume(Resume),
    /// Show the callbacks that come in, as lines of JSON: to see whether a tunnel or a proxy works
    Listen {
        /// Where to listen
        #[arg(value_name = "ADDRESS", default_value = "127.0.0.1:8787")]
        address: String,
        /// Where this address can be reached from outside [default: XIEZHEN_CALLBACK_URL, or the address itself on
        /// loopback]
        #[arg(long, value_name = "URL")]
        callback: Option<String>,
    },
    /// Keep base URL and credential in a file of yours; asked for, and not shown
    Login,
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    #[command(hide = true)]
    Man {
        /// A folder to write it to, and a page of each sub-command: xiezhen.1, xiezhen-run.1 …
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
    },
}

#[derive(Clone, Debug, Args)]
#[allow(clippy::struct_field_names, reason = "each is called as it is typed")]
#[command(group = ArgGroup::new("person").args(["photos", "user_id"]).required(true))]
pub(super) struct Run {
    /// 8 to 20 photos of one person, or folders of them: JPEG, PNG, WebP, BMP; GIF and TIFF are converted
    #[arg(value_name = "PHOTO")]
    pub(super) photos: Vec<PathBuf>,
    /// A style to generate, by its name or id; repeat it for more. Without any, a model is trained and that is all
    #[arg(long = "style", value_name = "NAME")]
    pub(super) styles: Vec<String>,
    /// The folder for the pictures and their contact sheet, index.html
    #[arg(long, value_name = "DIR", value_parser = OsStringValueParser::new().try_map(kept_folder))]
    pub(super) out: PathBuf,
    /// The file that keeps the job, so that it can go on later [default: DIR/job.json]
    #[arg(long, value_name = "FILE")]
    pub(super) checkpoint: Option<PathBuf>,
    /// Use a model again that was trained before: no photos, no training
    #[arg(long, value_name = "ID")]
    pub(super) user_id: Option<String>,
    #[command(flatten)]
    pub(super) run_args: RunArgs,
}

#[derive(Clone, Debug, Args)]
pub(super) struct Batch {
    /// A folder with a sub-folder of photos for each customer
    #[arg(required_unless_present = "manifest", conflicts_with = "manifest")]
    pub(super) folder: Option<PathBuf>,
    /// A CSV file in place of the folder: key, folder or user_id, styles (with ; between them)
    #[arg(long, value_name = "FILE")]
    pub(super) manifest: Option<PathBuf>,
    /// A style to generate for each customer, by its name or id; repeat it for more
    #[arg(long = "style", value_name = "NAME")]
    pub(super) styles: Vec<String>,
    /// The folder for the customers' folders, index.html and report.csv
    #[arg(long, value_name = "DIR", value_parser = OsStringValueParser::new().try_map(kept_folder))]
    pub(super) out: PathBuf,
    /// Check all photos and styles, say how many billed calls would be made, and make none
    #[arg(long)]
    pub(super) dry_run: bool,
    /// How many customers at a time [default: as many as the rate can feed]
    #[arg(long, value_name = "N")]
    pub(super) concurrency: Option<usize>,
    #[command(flatten)]
    pub(super) run_args: RunArgs,
}

#[derive(Clone, Debug, Args)]
pub(super) struct Resume {
    /// The file that keeps the job, or the folder that has it as job.json
    pub(super) checkpoint: PathBuf,
    /// Another folder for the pictures than the job remembers
    #[arg(long, value_name = "DIR", value_parser = OsStringValueParser::new().try_map(kept_folder))]
    pub(super) out: Option<PathBuf>,
    /// Take over a task that the vendor's side shows, for the create whose outcome is unknown
    #[arg(long, value_name = "TASK_ID", conflicts_with = "recreate")]
    pub(super) adopt: Option<String>,
    /// The user model of an adopted training
    #[arg(long, value_name = "ID", requires = "adopt")]
    pub(super) user_id: Option<String>,
    /// The style of an adopted generation, where several have an unknown outcome
    #[arg(long, value_name = "STYLE", requires = "adopt", conflicts_with = "user_id")]
    pub(super) style: Option<String>,
    #[command(flatten)]
    pub(super) run_args: RunArgs,
}

/// What a run and the rest of one take.
#[derive(Clone, Debug, Args)]
pub(super) struct RunArgs {
    /// Start again, and be billed for, what is found failed or of unknown outcome
    #[arg(long)]
    pub(super) recreate: bool,
    /// Use a checkpoint that another user owns or can change: a job is as trusted as a program
    #[arg(long)]
    pub(super) trust: bool,
    /// Stop waiting after so long; the service works on [default: 2 h for the training, 30 min for a style]
    #[arg(long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true)]
    pub(super) timeout: Option<Duration>,
    #[command(flatten)]
    pub(super) receiving: Receiving,
}

/// The client's options. What is not given here is the core's default.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Connection")]
#[allow(clippy::struct_excessive_bools, reason = "each is an option by itself")]
pub(super) struct Connection {
    /// Where the API is [default: as the environment says]
    #[arg(long, global = true, value_name = "URL")]
    base_url: Option<String>,
    /// Allow http:// to other machines: whoever listens reads the credential
    #[arg(long, global = true)]
    allow_http: bool,
    /// Certificate authorities (PEM) that are trusted beside the system's
    #[arg(long, global = true, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// A proxy in place of the environment's; empty for none
    #[arg(long, global = true, value_name = "URL")]
    proxy: Option<String>,
    /// Bounds one call with its repetitions [default: 60]
    #[arg(long, global = true, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true)]
    call_timeout: Option<Duration>,
    /// Bounds making one connection [default: 10]
    #[arg(long, global = true, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true)]
    connect_timeout: Option<Duration>,
    /// How often a call that may be repeated is sent again [default: 4]
    #[arg(long, global = true, value_name = "N", allow_negative_numbers = true)]
    max_retries: Option<u32>,
    /// At most so many calls in a second [default: 10]
    #[arg(long, global = true, value_name = "N", allow_negative_numbers = true)]
    requests_per_second: Option<f64>,
    /// How many photos are uploaded at a time [default: 4]
    #[arg(long, global = true, value_name = "N", allow_negative_numbers = true)]
    upload_concurrency: Option<usize>,
    /// No more than so many bytes are sent of a photo: a larger one is scaled down [default: 5242880]
    #[arg(long, global = true, value_name = "BYTES", allow_negative_numbers = true)]
    max_photo_bytes: Option<u64>,
    /// Send photos as they are, with where they were taken and all else that is in them; refuse what the service would
    /// not take, rather than turn, convert or scale it
    #[arg(long, global = true)]
    as_is: bool,
    /// A task with more pictures than this is refused when they are to be saved [default: 1000]
    #[arg(long, global = true, value_name = "N", allow_negative_numbers = true)]
    max_pictures: Option<usize>,
    /// Fetch results from this machine, its network and metadata services too, and follow redirects to them
    #[arg(long, global = true)]
    allow_private_results: bool,
    /// Refuse results whose address is http://: whoever is on the way reads and changes them
    #[arg(long, global = true)]
    require_https_results: bool,
    /// When a training is polled: seconds to the first poll, growth, longest pause [default: 15,1.5,60]
    #[arg(long, global = true, value_name = "FIRST,FACTOR,MAX", value_parser = schedule)]
    training_schedule: Option<PollSchedule>,
    /// The same for a generation [default: 3,1.5,15]
    #[arg(long, global = true, value_name = "FIRST,FACTOR,MAX", value_parser = schedule)]
    generation_schedule: Option<PollSchedule>,
}

impl Connection {
    /// What photos have to be like.
    pub(super) fn photo_rules(&self) -> Rules {
        let usual = Rules::default();
        Rules { max_bytes: self.max_photo_bytes.unwrap_or(usual.max_bytes), prepare: !self.as_is }
    }

    /// Lays these options over a client's.
    pub(super) fn apply(&self, mut client: ClientBuilder) -> ClientBuilder {
        macro_rules! lay {
            ($($given:ident => $option:ident)+) => {
                $(if let Some(value) = self.$given.clone() { client = client.$option(value); })+
            };
        }
        lay! {
            base_url => base_url
            ca_file => ca_file
            proxy => proxy
            call_timeout => timeout
            connect_timeout => connect_timeout
            max_retries => max_retries
            requests_per_second => requests_per_second
            upload_concurrency => upload_concurrency
            max_photo_bytes => max_photo_bytes
            max_pictures => max_pictures
            training_schedule => training_schedule
            generation_schedule => generation_schedule
        }
        if self.as_is {
            client = client.prepare_photos(false);
        }
        if self.allow_http {
            client = client.allow_http(true);
        }
        client.allow_private_results(self.allow_private_results).require_https_results(self.require_https_results)
    }

    /// Those that decide whom is spoken to and whether it can succeed, as they are typed: a command to go on needs them
    /// again. Those that only set the pace are left out.
    pub(super) fn typed(&self) -> String {
        let mut typed = String::new();
        let mut option = |name: &str, value: &str| {
            typed.push_str(name);
            typed.push_str(value);
        };
        if let Some(url) = &self.base_url {
            option(" --base-url ", &quoted(url.as_ref()));
        }
        if self.allow_http {
            option(" --allow-http", "");
        }
        if self.allow_private_results {
            option(" --allow-private-results", "");
        }
        if self.require_https_results {
            option(" --require-https-results", "");
        }
        if let Some(count) = self.max_pictures {
            option(" --max-pictures ", &count.to_string());
        }
        if let Some(file) = &self.ca_file {
            option(" --ca-file ", &quoted(file.as_os_str()));
        }
        match &self.proxy {
            // The proxy's own password is nothing to repeat into somebody's log. Unset, `$PROXY` would mean none.
            Some(proxy) if proxy.contains('@') => option(" --proxy ", "\"${PROXY:?}\""),
            Some(proxy) => option(" --proxy ", &quoted(proxy.as_ref())),
            None => {}
        }
        for (name, timeout) in [(" --call-timeout ", self.call_timeout), (" --connect-timeout ", self.connect_timeout)]
        {
            if let Some(timeout) = timeout {
                option(name, &timeout.as_secs_f64().to_string());
            }
        }
        if let Some(bytes) = self.max_photo_bytes {
            option(" --max-photo-bytes ", &bytes.to_string());
        }
        if self.as_is {
            option(" --as-is", "");
        }
        typed
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.trim().parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.ok_or_else(|| "give a number of seconds, such as 90 or 0.5".to_owned())
}

/// A job keeps its folder, whole, as JSON.
fn kept_folder(folder: OsString) -> Result<PathBuf, &'static str> {
    let folder = PathBuf::from(folder);
    let is_kept = std::path::absolute(&folder).is_ok_and(|whole| whole.to_str().is_some());
    if is_kept {
        Ok(folder)
    } else {
        Err("not a usable path, or not UTF-8, which a job can't keep: name another folder")
    }
}

fn schedule(text: &str) -> Result<PollSchedule, String> {
    let wanted = || "give three numbers, such as 15,1.5,60".to_owned();
    let [initial, factor, max]: [&str; 3] = text.split(',').collect::<Vec<_>>().try_into().map_err(|_| wanted())?;
    let factor = factor.trim().parse().map_err(|_| wanted())?;
    Ok(PollSchedule { initial: seconds(initial)?, factor, max: seconds(max)? })
}
