// The same classes as `require` gives: an error of one is an error of the other.
export { Callbacks, Client, ConflictError, checkPhotos, Hint, Job, Receiver, XiezhenError } from './dist/index.js'
