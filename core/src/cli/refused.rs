//! What was typed and can't be read: clap's words for it, in Chinese too.

use std::{error::Error as _, ffi::OsString, path::PathBuf};

use clap::{
    CommandFactory as _,
    error::{ContextKind, ContextValue, ErrorKind},
};

use super::{arguments::Arguments, help::usage_in_chinese, language::Language, print, report::quoted_path, text};

/// What is said of values that can't be read, by us and by the standard library.
const REASONS: &[(&str, &str)] = &[
    ("give a number of seconds, such as 90 or 0.5", "请输入秒数，例如 90 或 0.5"),
    ("give three numbers, such as 15,1.5,60", "请输入三个数字，例如 15,1.5,60"),
    (
        "not a usable path, or not UTF-8, which a job can't keep: name another folder",
        "路径不可用，或者不是 UTF-8，任务无法保存：请换一个文件夹",
    ),
    ("invalid digit found in string", "应为整数"),
    ("cannot parse integer from empty string", "应为整数"),
    ("number too large to fit in target type", "数字太大"),
    ("invalid float literal", "应为数字"),
    ("cannot parse float from empty string", "应为数字"),
];

/// Says why the arguments can't be read, and how they are to be; or the help that was asked for.
pub(super) fn say(refused: &clap::Error, program: &str, arguments: &[OsString]) {
    if let Some(file) = file_for_command(refused, arguments) {
        print::say(&text::run_is_missing(program, quoted_path(&file)));
    } else if Language::current() == Language::Zh && refused.use_stderr() && !is_help(refused) {
        print::say(&in_chinese(refused));
    } else {
        // If it can't be written, nobody is there to be told.
        _ = refused.print();
    }
}

/// What was refused, without how arguments are to be.
pub(super) fn message(refused: &clap::Error) -> String {
    let text = refused.to_string();
    let text = text.split("\n\nUsage:").next().unwrap_or_default();
    print::plain(&text.strip_prefix("error: ").unwrap_or(text).split_whitespace().collect::<Vec<_>>().join(" "))
}

fn is_help(refused: &clap::Error) -> bool {
    refused.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
}

/// A photo or a folder that was typed where a sub-command belongs, with options before it or behind.
fn file_for_command(refused: &clap::Error, arguments: &[OsString]) -> Option<PathBuf> {
    let typed = || arguments.iter().skip(1).take_while(|word| *word != "--");
    let has_command = typed().any(|word| Arguments::command().get_subcommands().any(|known| *word == known.get_name()));
    if has_command || !matches!(refused.kind(), ErrorKind::InvalidSubcommand | ErrorKind::UnknownArgument) {
        return None;
    }
    let words = typed().filter(|word| !word.as_encoded_bytes().starts_with(b"-"));
    words.map(PathBuf::from).find(|word| word.exists())
}

fn in_chinese(refused: &clap::Error) -> String {
    let mut lines = vec![format!("错误：{}", what(refused))];
    for kind in [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue] {
        lines.extend(values(refused, kind).map(|meant| format!("  提示：是否要输入“{meant}”？")));
    }
    lines.extend(values(refused, ContextKind::Suggested).filter_map(|tip| tip_in_chinese(&tip)));
    if let Some(usage) = values(refused, ContextKind::Usage).next() {
        lines.push(format!("\n用法：{}", usage_in_chinese(&usage)));
    }
    lines.push("\n更多说明请用 --help 查看。".to_owned());
    lines.join("\n")
}

fn what(refused: &clap::Error) -> String {
    let first = |kind| values(refused, kind).next().unwrap_or_default();
    let listed = |kind| values(refused, kind).collect::<Vec<_>>().join("、");
    let (argument, value) = (first(ContextKind::InvalidArg), first(ContextKind::InvalidValue));
    match refused.kind() {
        ErrorKind::UnknownArgument => format!("没有参数“{argument}”"),
        ErrorKind::InvalidSubcommand => format!("没有命令“{}”", first(ContextKind::InvalidSubcommand)),
        ErrorKind::MissingSubcommand => format!("缺少命令：{}", listed(ContextKind::ValidSubcommand)),
        ErrorKind::MissingRequiredArgument => format!("缺少必需的参数：{}", listed(ContextKind::InvalidArg)),
        ErrorKind::InvalidValue if value.is_empty() => format!("“{argument}”需要一个值{}", possible(refused)),
        ErrorKind::InvalidValue => format!("“{value}”不是“{argument}”的有效值{}", possible(refused)),
        ErrorKind::ValueValidation => {
            let reason = refused.source().map(ToString::to_string).unwrap_or_default();
            let known = REASONS.iter().find(|(english, _)| *english == reason);
            format!("“{value}”不是“{argument}”的有效值：{}", known.map_or(reason.as_str(), |(_, chinese)| chinese))
        }
        ErrorKind::TooManyValues => format!("“{argument}”不再需要值：“{value}”是多余的"),
        ErrorKind::ArgumentConflict => match listed(ContextKind::PriorArg) {
            prior if prior == argument => format!("“{argument}”只能使用一次"),
            prior => format!("“{argument}”不能与“{prior}”同时使用"),
        },
        ErrorKind::InvalidUtf8 => "参数不是有效的 UTF-8".to_owned(),
        _ => message(refused),
    }
}

fn possible(refused: &clap::Error) -> String {
    let names: Vec<String> = values(refused, ContextKind::ValidValue).collect();
    if names.is_empty() { String::new() } else { format!("（可选值：{}）", names.join("、")) }
}

/// Of the tips that clap words itself, those that are known.
fn tip_in_chinese(tip: &str) -> Option<String> {
    let mut quoted = tip.split('\'').skip(1).step_by(2);
    let (first, second) = (quoted.next()?, quoted.next());
    match second {
        Some(typed) if tip.starts_with("to pass ") => Some(format!("  提示：要把“{first}”作为值，请输入“{typed}”")),
        None if tip.ends_with(" exists") => Some(format!("  提示：有“{first}”")),
        _ => None,
    }
}

fn values(refused: &clap::Error, kind: ContextKind) -> impl Iterator<Item = String> {
    let values = match refused.get(kind) {
        Some(ContextValue::String(value)) => vec![print::plain(value)],
        Some(ContextValue::Strings(values)) => values.iter().map(|value| print::plain(value)).collect(),
        Some(ContextValue::StyledStr(value)) => vec![value.to_string()],
        Some(ContextValue::StyledStrs(values)) => values.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    };
    values.into_iter()
}
