//! The help in Chinese: clap holds the English texts beside the arguments, this table the others.

use clap::{Arg, Command, builder::StyledStr};

use super::language::Language;

const TEMPLATE: &str = "\
{about-with-newline}
用法：{usage}

{all-args}{after-help}";

const AFTER: &str = "\
环境变量：
  XIEZHEN_BASE_URL                      接口地址，没有 --base-url 时使用
  XIEZHEN_APP_CODE                      凭证：AppCode，或者
  XIEZHEN_APP_KEY, XIEZHEN_APP_SECRET   AppKey 与密钥，用来对每个请求签名
  HTTPS_PROXY, HTTP_PROXY, NO_PROXY     与其他程序相同；访问本机时不走代理
  XIEZHEN_LOG                           error、warn、info、debug 或 trace：显示内部过程

退出码：
  0 成功   2 参数无效   3 凭证错误   4 没有权限   5 次数用完   6 被限流   7 接口拒绝
  8 应答不合文档   9 网络   10 超时   11 结果未知   12 任务失败   13 文件
  70 xiezhen 的缺陷   130 被中断";

/// Of each sub-command and argument, what it is for. An argument of one sub-command only has its name before it.
const CHINESE: &[(&str, &str)] = &[
    ("xiezhen", "AI 写真：输入一个人的照片，得到写真图片。\n\n结果写到标准输出，进度和错误写到标准错误。"),
    ("styles", "列出可以生成的风格"),
    ("styles.html", "同时写一个包含示例图片的网页；写好之后不再需要网络"),
    ("check", "在发送之前检查照片：会怎样处理、会不会被拒绝、哪里不利于训练。有照片被拒绝时退出码为 2"),
    ("check.photos", "照片，或者照片文件夹"),
    ("check.html", "同时写一个网页，有问题的照片排在前面"),
    ("run", "制作写真：上传照片、训练模型、生成、保存。再次输入同样的命令会接着做"),
    ("batch", "为许多客户制作写真：每个子文件夹是一位客户。再次输入同样的命令会接着做"),
    ("status", "查询一次任务"),
    ("resume", "从断点文件继续被中断的运行"),
    ("listen", "把收到的回调逐行输出为 JSON：用来检查隧道或反向代理是否接通"),
    ("address", "监听的地址"),
    (
        "callback",
        "任务结束时服务从哪里能访问到 --listen（隧道或反向代理通向那里）[默认：XIEZHEN_CALLBACK_URL；回环地址时即 --listen 本身]",
    ),
    ("run.listen", "在这里接收回调，例如 127.0.0.1:8787：任务一结束就知道，查询也更少"),
    ("resume.listen", "在这里接收回调，例如 127.0.0.1:8787：任务一结束就知道，查询也更少"),
    ("login", "把接口地址和凭证保存到你的配置文件；输入时不显示"),
    ("completions", "输出某种 shell 的补全脚本"),
    ("man", "输出手册页"),
    ("help", "显示帮助"),
    ("version", "显示版本"),
    (
        "json",
        "为脚本输出 JSON：styles 和 status 输出一个文档；run 和 resume 每行一个对象，事件发生时输出，最后是任务；出错时输出类型为 error 的对象",
    ),
    ("verbose", "在标准错误上显示内部过程；重复一次则更详细"),
    ("quiet", "不显示进度"),
    ("lang", "帮助和消息的语言 [默认：由 LC_ALL、LC_MESSAGES 或 LANG 决定]"),
    ("profile", "环境变量没有给出时，从这个配置读取接口地址和凭证 [默认：default]"),
    ("base_url", "接口地址 [默认：由环境变量决定]"),
    ("allow_http", "允许用 http:// 访问其他机器：旁听者能读到凭证"),
    ("ca_file", "除系统之外还信任的根证书（PEM）"),
    ("proxy", "取代环境变量的代理；留空则不用代理"),
    ("call_timeout", "一次调用（含重试）的时限，秒 [默认：60]"),
    ("connect_timeout", "建立一个连接的时限，秒 [默认：10]"),
    ("max_retries", "可以重复的调用最多重发几次 [默认：4]"),
    ("requests_per_second", "每秒最多多少次调用 [默认：10]"),
    ("upload_concurrency", "同时上传多少张照片 [默认：4]"),
    ("max_photo_bytes", "一张照片最多发送这么多字节，更大的会先缩小 [默认：5242880]"),
    ("as_is", "照片原样发送，包括拍摄地点等全部信息；服务不接受的照片直接拒绝，而不是先旋转、转换或缩小"),
    ("max_pictures", "任务的图片多于这个数就拒绝保存 [默认：1000]"),
    ("allow_private_results", "也允许从本机、内网和云的元数据服务获取结果，并跟随指向那里的跳转"),
    ("require_https_results", "拒绝地址为 http:// 的结果：途中的人能看到并改动它们"),
    ("trust", "使用属于其他用户或可被其他用户改动的断点文件：任务和程序一样需要信任"),
    ("training_schedule", "训练的轮询：第一次的秒数、增长倍数、最长间隔 [默认：15,1.5,60]"),
    ("generation_schedule", "生成的轮询，写法相同 [默认：3,1.5,15]"),
    ("run.photos", "同一个人的 8～20 张照片，或者照片文件夹：JPEG、PNG、WebP、BMP；GIF 和 TIFF 会先转换"),
    ("run.styles", "要生成的风格，名称或编号；可以重复。不给出时只训练模型"),
    ("run.out", "存放图片和总览页 index.html 的文件夹"),
    ("run.checkpoint", "保存任务、以便之后继续的文件 [默认：文件夹中的 job.json]"),
    ("run.user_id", "使用以前训练好的模型：不需要照片，也不训练"),
    ("batch.folder", "一个文件夹，每位客户的照片放在一个子文件夹里"),
    ("batch.manifest", "用 CSV 文件代替文件夹：key、folder 或 user_id、styles（以 ; 分隔）"),
    ("batch.styles", "为每位客户生成的风格，名称或编号；可以重复"),
    ("batch.out", "存放各客户文件夹、index.html 和 report.csv 的文件夹"),
    ("batch.dry_run", "检查所有照片和风格，说明将产生多少次收费调用，但不执行"),
    ("batch.concurrency", "同时处理多少位客户 [默认：速率供得上多少就多少]"),
    ("recreate", "把失败的或结果未知的重新开始（并付费）"),
    ("timeout", "等待这么多秒后停止；服务端仍在进行 [默认：训练 2 小时，每个风格 30 分钟]"),
    ("status.task_id", "任务编号，事件、错误和断点文件里都有"),
    ("resume.checkpoint", "保存任务的文件，或包含 job.json 的文件夹"),
    ("resume.out", "改用另一个文件夹存放图片"),
    ("resume.adopt", "接收服务商那边能看到的任务，用于结果未知的创建"),
    ("resume.user_id", "所接收训练的用户模型"),
    ("resume.style", "有几个风格结果未知时，说明接收的是哪一个"),
    ("completions.shell", "shell 的种类"),
    ("man.folder", "把手册页写到这个文件夹，每个命令一页"),
];

/// The command with its help in `language`.
pub(super) fn in_language(command: Command, language: Language) -> Command {
    match language {
        Language::En => command,
        Language::Zh => {
            let mut command = command;
            // Until then, it has no argument for help, and none for the version.
            command.build();
            translated(command, "")
        }
    }
}

/// `parent` is the name of a sub-command, and empty for the command itself.
fn translated(command: Command, parent: &str) -> Command {
    let about = if parent.is_empty() { "xiezhen" } else { parent };
    let mut command = command.help_template(TEMPLATE).subcommand_help_heading("命令");
    if let Some(text) = said_of("", about) {
        let short = text.lines().next().unwrap_or_default();
        command = command.about(StyledStr::from(short)).long_about(StyledStr::from(text));
    }
    if parent.is_empty() {
        command = command.after_help(AFTER);
    }
    let arguments: Vec<(String, bool)> =
        command.get_arguments().map(|argument| (argument.get_id().to_string(), argument.is_positional())).collect();
    for (id, is_positional) in arguments {
        command = command.mut_arg(&id, |argument| {
            let heading = match argument.get_help_heading() {
                Some("Connection") => "连接",
                Some(_) => "其他",
                None if is_positional => "参数",
                None => "选项",
            };
            let Some(text) = said_of(parent, &id) else { return argument.help_heading(heading) };
            let text = format!("{text}{}", values_of(&argument));
            argument
                .help_heading(heading)
                .help(&text)
                .long_help(&text)
                .hide_possible_values(true)
                .hide_default_value(true)
        });
    }
    let usage = usage_in_chinese(&command.render_usage().to_string());
    command = command.override_usage(usage);
    let names: Vec<String> = command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    for name in names {
        command = command.mut_subcommand(&name, |command| translated(command, &name));
    }
    command
}

/// The default and the possible values of an argument, which clap would list in English.
fn values_of(argument: &Arg) -> String {
    if !argument.get_action().takes_values() {
        return String::new();
    }
    let names = argument.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect::<Vec<_>>();
    let defaults: Vec<_> = argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    let listed = |what, values: String| if values.is_empty() { values } else { format!(" [{what}：{values}]") };
    listed("可选值", names.join("、")) + &listed("默认", defaults.join("、"))
}

/// How a command is typed, without the word for it.
pub(super) fn usage_in_chinese(usage: &str) -> String {
    let usage = usage.strip_prefix("Usage:").unwrap_or(usage).trim();
    usage.replace("[OPTIONS]", "[选项]").replace("<COMMAND>", "<命令>").replace("[COMMAND]", "[命令]")
}

fn said_of(parent: &str, name: &str) -> Option<&'static str> {
    let text = |key: &str| CHINESE.iter().find(|(known, _)| *known == key).map(|(_, text)| *text);
    text(&format!("{parent}.{name}")).or_else(|| text(name))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::arguments::Arguments;

    /// Every name that the command has, as it is looked up.
    fn names(command: &Command, parent: &str, into: &mut HashSet<String>) {
        for argument in command.get_arguments() {
            into.insert(format!("{parent}.{}", argument.get_id()));
        }
        for command in command.get_subcommands() {
            into.insert(format!(".{}", command.get_name()));
            names(command, command.get_name(), into);
        }
    }

    #[test]
    fn everything_has_a_chinese_text_and_no_text_is_left_over() {
        let mut known = HashSet::new();
        names(&Arguments::command(), "", &mut known);
        for name in &known {
            let (parent, name) = name.split_once('.').unwrap();
            assert!(said_of(parent, name).is_some(), "nothing is said in Chinese of {parent} {name}");
        }
        for (key, _) in CHINESE.iter().filter(|(key, _)| !["xiezhen", "help", "version"].contains(key)) {
            let is_used =
                known.iter().any(|name| name == key || name.split_once('.').is_some_and(|(_, id)| id == *key));
            assert!(is_used, "nothing is called {key}");
        }
    }

    #[test]
    fn chinese_help_has_no_english_heading() {
        let help = in_language(Arguments::command(), Language::Zh).render_long_help().to_string();
        assert!(help.contains("用法：") && help.contains("列出可以生成的风格"), "{help}");
        assert!(
            !["Usage", "OPTIONS", "COMMAND>", "possible values", "Options:", "Commands:", "Connection:"]
                .iter()
                .any(|heading| help.contains(heading)),
            "{help}"
        );
    }
}
