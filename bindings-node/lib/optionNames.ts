// The core speaks of arguments by the names that they have in most languages; in Node they have these.

const names: Record<string, string> = {
  base_url: 'baseUrl',
  app_code: 'appCode',
  app_key: 'appKey',
  app_secret: 'appSecret',
  timeout: 'timeoutMs',
  connect_timeout: 'connectTimeoutMs',
  max_retries: 'maxRetries',
  requests_per_second: 'requestsPerSecond',
  upload_concurrency: 'uploadConcurrency',
  max_photo_bytes: 'maxPhotoBytes',
  max_pictures: 'maxPictures',
  prepare_photos: 'preparePhotos',
  training_schedule: 'trainingSchedule',
  generation_schedule: 'generationSchedule',
  ca_file: 'caFile',
  allow_http: 'allowHttp',
  allow_private_results: 'allowPrivateResults',
  require_https_results: 'requireHttpsResults',
  img_set: 'imgSet',
  callback_url: 'callbackUrl',
  user_id: 'userId',
  task_id: 'taskId',
  save_to: 'saveTo',
  adopt_portrait: 'adoptPortrait',
  inf: 'Infinity',
}

/** What is quoted, and else whole words, none that is a piece of a path or an address. */
const known = new RegExp(
  `"(?:[^"\\\\]|\\\\.)*"|(?<![\\w/\\\\.-]|photo )(?:${Object.keys(names).join('|')})(?![\\w/\\\\-]|\\.\\w)`,
  'g',
)

/** What the core says of arguments, in Node's words. */
export function withOptionNames(said: string): string {
  return said.replace(known, (name) => names[name] ?? name)
}
