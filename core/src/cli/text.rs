//! What the command says, in both of its languages: a row a text, so that none can be missing.

use super::language::Language;
use crate::task::TaskState;

/// A row a text: its name, what is put in, and its words in each language.
macro_rules! texts {
    ($($name:ident($($given:ident),*) { en: $en:literal, zh: $zh:literal })+) => {
        $(pub(super) fn $name($($given: impl std::fmt::Display),*) -> String {
            match Language::current() {
                Language::En => format!($en),
                Language::Zh => format!($zh),
            }
        })+
    };
}

// Photos.
texts! {
    left_out(path) { en: "left out, no photo: {path}", zh: "不是照片，已略过：{path}" }
    photo_as_it_is() { en: "as it is", zh: "原样发送" }
    photo_cleaned() { en: "cleaned", zh: "去除元数据" }
    photo_prepared() { en: "prepared", zh: "处理后发送" }
    photo_refused() { en: "refused", zh: "拒绝" }
    photo_is_small(width, height) { en: "is small ({width} × {height} pixels)", zh: "尺寸偏小（{width} × {height} 像素）" }
    photo_is_blurred() { en: "is blurred", zh: "模糊" }
    photo_is_dark() { en: "is too dark", zh: "太暗" }
    photo_is_bright() { en: "is too bright", zh: "太亮" }
    photo_is_same_as(number) { en: "is the same as photo {number}", zh: "与第 {number} 张相同" }
    photo_is_nearly_same_as(number) { en: "is nearly the same as photo {number}", zh: "与第 {number} 张几乎相同" }
    large_photos(side) {
        en: "a model trains better from {side} × {side} and more",
        zh: "{side} × {side} 以上的照片训练效果更好"
    }
    sharp_photos() { en: "a model trains better from sharp photos", zh: "清晰的照片训练效果更好" }
    well_lit_photos() { en: "a model trains better from well-lit photos", zh: "光线适中的照片训练效果更好" }
    different_photos() { en: "a model trains better from different photos", zh: "各不相同的照片训练效果更好" }
    model_takes(count) {
        en: "a model is trained from 8 to 20 photos of one person; here: {count}",
        zh: "训练模型需要同一个人的 8 到 20 张照片；这里有 {count} 张"
    }
    with_reason(what, why) { en: "{what}: {why}", zh: "{what}：{why}" }
    photos() { en: "Photos", zh: "照片" }
    photos_facts(count, refused, remarked) {
        en: "photos: {count} · refused: {refused} · with remarks: {remarked}",
        zh: "照片 {count} 张 · 拒绝 {refused} 张 · 有提示 {remarked} 张"
    }
    refused_photos() { en: "Refused", zh: "被拒绝" }
    remarked_photos() { en: "With remarks", zh: "有提示" }
    good_photos() { en: "Good", zh: "合格" }
    styles() { en: "Styles", zh: "风格" }
    styles_facts(count) { en: "styles: {count}", zh: "风格 {count} 种" }
}

// Errors and what to do about them.
texts! {
    interrupted_go_on(command) { en: "xiezhen: interrupted; to go on: {command}", zh: "xiezhen：已中断；继续运行：{command}" }
    interrupted() { en: "xiezhen: interrupted; nothing was begun", zh: "xiezhen：已中断；什么都没有开始" }
    create_in_flight() {
        en: "xiezhen: a create is in flight and may be billed: waiting for its answer (Ctrl-C quits at once)",
        zh: "xiezhen：有一个创建请求正在进行，可能已计费：等待应答（Ctrl-C 立即退出）"
    }
    request_id() { en: "request id", zh: "请求编号" }
    http_status() { en: "HTTP status", zh: "HTTP 状态" }
    gateway_code() { en: "gateway code", zh: "网关代码" }
    task() { en: "task", zh: "任务" }
    user_model() { en: "user model", zh: "用户模型" }
    answer() { en: "answer", zh: "应答" }
    was_sent() { en: "was sent", zh: "已发送" }
    on_authentication() {
        en: "Check XIEZHEN_APP_CODE, or XIEZHEN_APP_KEY and XIEZHEN_APP_SECRET.",
        zh: "请检查 XIEZHEN_APP_CODE，或 XIEZHEN_APP_KEY 与 XIEZHEN_APP_SECRET。"
    }
    on_permission() {
        en: "The credential is known, but not allowed this: see its authorisations in the console.",
        zh: "凭证有效，但没有这个权限：请在控制台查看授权。"
    }
    on_quota() {
        en: "Buy calls, renew the purchase, or settle the account in the console.",
        zh: "请在控制台购买次数、续订，或结清欠费。"
    }
    on_rate_limited() {
        en: "Wait a little, or go slower with --requests-per-second.",
        zh: "请稍等，或用 --requests-per-second 放慢速度。"
    }
    on_protocol() {
        en: "Is --base-url (XIEZHEN_BASE_URL) the address of this API?",
        zh: "--base-url（XIEZHEN_BASE_URL）是这个接口的地址吗？"
    }
    on_transport() {
        en: "Check the network, --base-url, --proxy and --ca-file.",
        zh: "请检查网络、--base-url、--proxy 和 --ca-file。"
    }
    on_timeout() { en: "What was started goes on at the service.", zh: "已经启动的任务仍在服务端进行。" }
    on_task_failed() {
        en: "Other photos or another style may fare better.",
        zh: "换一些照片或换一个风格，也许会成功。"
    }
    on_internal() {
        en: "This is a defect of xiezhen: please report it with these lines.",
        zh: "这是 xiezhen 的缺陷：请附上这些内容反馈。"
    }
    go_on(command) { en: "To go on: {command}", zh: "继续运行：{command}" }
    go_on_with_the_rest(command) { en: "To go on with the rest: {command}", zh: "继续其余部分：{command}" }
    go_on_once_cured(command) { en: "Once that is cured, to go on: {command}", zh: "解决之后，继续运行：{command}" }
    needs_no_photos(command) {
        en: "The job that was begun may need its photos no more: {command}",
        zh: "已经开始的任务可能不再需要照片：{command}"
    }
    adopt(whose, command) {
        en: "If the vendor's side shows the task of {whose}: {command}",
        zh: "如果服务商那边能看到「{whose}」的任务：{command}"
    }
    adopt_billed(command) {
        en: "This was billed. Once the checkpoint can be written: {command}",
        zh: "这一项已计费。待检查点文件可写后：{command}"
    }
    the_training() { en: "the training", zh: "训练" }
    pay_again(command) { en: "To try, and pay, again: {command}", zh: "再试一次（再次付费）：{command}" }
    start_anew(command) { en: "If not, start (and pay) anew: {command}", zh: "如果没有，重新开始（并付费）：{command}" }
    start_anew_all(command) {
        en: "If not, start (and pay) anew, and what failed too: {command}",
        zh: "如果没有，重新开始（并付费），失败的也一并重来：{command}"
    }
}

// Profiles, and what was typed.
texts! {
    ask_base_url() { en: "Base URL", zh: "接口地址" }
    ask_app_code() { en: "AppCode (empty for an AppKey)", zh: "AppCode（留空则使用 AppKey）" }
    ask_app_key() { en: "AppKey", zh: "AppKey" }
    ask_app_secret() { en: "AppSecret", zh: "AppSecret" }
    logged_in(name, path) { en: "profile {name} is kept in {path}", zh: "配置 {name} 已保存到 {path}" }
    run_is_missing(program, typed) {
        en: "xiezhen: {typed} is a file or a folder, not a command. To make portraits of it:\n  {program} run {typed} … --style NAME --out DIR",
        zh: "xiezhen：{typed} 是文件或文件夹，不是命令。要生成写真，请输入：\n  {program} run {typed} … --style 风格 --out 文件夹"
    }
    one_more_style(command) {
        en: "The job that is there is done. Its model makes more styles without a training: {command}",
        zh: "那里的任务已经完成。它的模型可以直接生成更多风格，无需再训练：{command}"
    }
}

// A batch.
texts! {
    billed_calls(count) { en: "billed calls: {count}", zh: "收费调用：{count} 次" }
    billed_calls_in_all(count) { en: "billed calls in all: {count}", zh: "收费调用合计：{count} 次" }
    done_with_other_photos(folder) {
        en: "This customer is done, with other photos; nothing was billed. For a new order, give these photos a folder of another name, or move {folder} away",
        zh: "这位客户已经用另一些照片完成；没有产生费用。如需重新制作，请把这些照片放进另一个名称的文件夹，或移走 {folder}"
    }
    begun_otherwise(command, folder) {
        en: "What was begun can be finished as it was ordered: {command}. For this order, give it a folder of another name, or move {folder} away: it is billed anew",
        zh: "已经开始的任务可以按原来的内容完成：{command}。如需按现在的内容制作，请换一个文件夹名称，或移走 {folder}：会重新计费"
    }
    of_customer(key, what) { en: "{key}: {what}", zh: "{key}：{what}" }
    batch_line(over, uploading, training, generating, failed, calls, left) {
        en: "{over} done · {uploading} uploading · {training} training · {generating} generating · {failed} failed · {calls} calls · {left} left",
        zh: "完成 {over} · 上传 {uploading} · 训练 {training} · 生成 {generating} · 失败 {failed} · 调用 {calls} · 剩余 {left}"
    }
    batch_done(done, all, page, report) {
        en: "{done} of {all} customers done; pictures: {page}; report: {report}",
        zh: "{all} 位客户完成 {done} 位；图片：{page}；报告：{report}"
    }
    customers_title() { en: "Customers", zh: "客户" }
    customers_facts(customers, pictures) {
        en: "{customers} customers · {pictures} pictures",
        zh: "{customers} 位客户 · {pictures} 张图片"
    }
}

/// A number of pictures, in words.
pub(super) fn state(state: TaskState) -> String {
    match state {
        TaskState::Waiting => state_waiting(),
        TaskState::Running => state_running(),
        TaskState::Succeeded => state_succeeded(),
        TaskState::PartlySucceeded => state_partly_succeeded(),
        TaskState::Failed => state_failed(),
        TaskState::Unknown => state_unknown(),
    }
}

pub(super) fn pictures_of(count: usize) -> String {
    if count == 1 { one_picture() } else { pictures(count) }
}

/// A number of photos, in words.
pub(super) fn photos_of(count: usize) -> String {
    if count == 1 { one_photo() } else { many_photos(count) }
}

/// A number of styles, in words.
pub(super) fn styles_of(count: usize) -> String {
    if count == 1 { one_style() } else { many_styles(count) }
}

// The contact sheet.
texts! {
    portraits() { en: "Portraits", zh: "写真" }
    one_photo() { en: "1 photo", zh: "1 张照片" }
    many_photos(count) { en: "{count} photos", zh: "{count} 张照片" }
    one_style() { en: "1 style", zh: "1 种风格" }
    many_styles(count) { en: "{count} styles", zh: "{count} 种风格" }
    model_is(user_id) { en: "model {user_id}", zh: "模型 {user_id}" }
    photo_number(number) { en: "photo {number}", zh: "照片 {number}" }
    template_of(style) { en: "the template of {style}", zh: "「{style}」的样片" }
    partly_succeeded() {
        en: "partly succeeded: the service made only some of the pictures",
        zh: "部分成功：服务端只生成了一部分图片"
    }
    close() { en: "Close", zh: "关闭" }
    previous() { en: "Previous", zh: "上一张" }
    next() { en: "Next", zh: "下一张" }
    the_file() { en: "File", zh: "原文件" }
}

// Progress and results.
texts! {
    environment_wins(profile, variables) {
        en: "profile {profile}: {variables} of the environment is used in its place",
        zh: "配置 {profile}：以环境变量 {variables} 为准"
    }
    listening_on(address) { en: "listening on {address}; to try it from outside:", zh: "正在 {address} 监听；从外部试一下：" }
    contact_sheet(path) { en: "contact sheet: {path}", zh: "总览页：{path}" }
    no_contact_sheet(why) { en: "no contact sheet: {why}", zh: "没有总览页：{why}" }
    photo_uploaded(number, done, count) {
        en: "photo {number} uploaded ({done} of {count})",
        zh: "照片 {number} 已上传（{done}/{count}）"
    }
    training_state(task_id, state) { en: "training {task_id}: {state}", zh: "训练 {task_id}：{state}" }
    generating_state(style, task_id, state) { en: "{style} {task_id}: {state}", zh: "{style} {task_id}：{state}" }
    generated(style, pictures) { en: "{style}: {pictures}", zh: "{style}：{pictures}" }
    state_waiting() { en: "waiting", zh: "排队中" }
    state_running() { en: "running", zh: "进行中" }
    state_succeeded() { en: "succeeded", zh: "成功" }
    state_partly_succeeded() { en: "partly_succeeded", zh: "部分成功" }
    state_failed() { en: "failed", zh: "失败" }
    state_unknown() { en: "unknown", zh: "未知" }
    trained(user_id) { en: "trained: user model {user_id}", zh: "训练完成：用户模型 {user_id}" }
    saved_in(style, path) { en: "{style}: saved {path}", zh: "{style}：已保存 {path}" }
    again_in(why, seconds) { en: "{why}; again in {seconds}", zh: "{why}；{seconds}后重试" }
    unknown_state(task_id, state) {
        en: "task {task_id} is in state {state}, which the document does not name; waiting on",
        zh: "任务 {task_id} 处于文档未说明的状态 {state}；继续等待"
    }
    notice(message) { en: "notice: {message}", zh: "提示：{message}" }
    done() { en: "done", zh: "完成" }
    one_picture() { en: "1 picture", zh: "1 张图片" }
    pictures(count) { en: "{count} pictures", zh: "{count} 张图片" }
    photos_label() { en: "Photos", zh: "照片" }
    training_label() { en: "Training", zh: "训练" }
    sending(done, count, sent, bytes) {
        en: "{done} of {count} sent, {sent} of {bytes}",
        zh: "已发送 {done}/{count}，{sent}/{bytes}"
    }
    sent(count, bytes) { en: "{count} sent, {bytes}", zh: "已发送 {count} 张，{bytes}" }
    model_trained() { en: "model trained", zh: "模型训练完成" }
    training_now() { en: "training", zh: "训练中" }
    generating_now() { en: "generating", zh: "生成中" }
    waiting_in_queue() { en: "waiting in the queue", zh: "排队中" }
    ready() { en: "ready", zh: "已就绪" }
    failed() { en: "failed", zh: "失败" }
    to_save(pictures) { en: "{pictures} to save", zh: "{pictures}待保存" }
    saved_of(saved, pictures) { en: "{saved} of {pictures} saved", zh: "已保存 {saved}/{pictures}" }
    saved(pictures) { en: "{pictures} saved", zh: "已保存{pictures}" }
    kind_label() { en: "kind", zh: "类型" }
    state_label() { en: "state", zh: "状态" }
    picture_label() { en: "picture", zh: "图片" }
    seconds(number) { en: "{number} s", zh: "{number} 秒" }
    minutes(number) { en: "{number} min", zh: "{number} 分钟" }
    hours(number) { en: "{number} h", zh: "{number} 小时" }
}

/// A time as a person says it: 0.33 s, 12 s, 12 min, 2 h.
pub(super) fn duration(time: std::time::Duration) -> String {
    let time = time.as_secs_f64();
    match time {
        s if s < 1.0 => seconds(format!("{s:.2}")),
        s if s < 10.0 => seconds(format!("{s:.1}")),
        s if s < 120.0 => seconds(format!("{s:.0}")),
        s if s < 7200.0 => minutes(format!("{:.0}", s / 60.0)),
        s => hours(format!("{:.0}", s / 3600.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_as_people_say_them() {
        let said = |seconds| duration(std::time::Duration::from_secs_f64(seconds));
        assert_eq!(["0.33 s", "2.5 s", "45 s", "12 min", "2 h"], [0.33, 2.5, 45.0, 720.0, 7200.0].map(said));
    }
}
