/** Terminal sequences: CSI (colours, cursor), OSC (titles, links) and the two-character ones. */
// oxlint-disable-next-line no-control-regex -- control characters are what this is about
const terminalSequence = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])/g;
// Also the characters that turn the direction of the text after them.
// oxlint-disable-next-line no-control-regex -- as above
const acting = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g;

/** What a worker said, made safe to look at: terminal sequences removed, other control characters made visible. */
export function toPlainText(text: string): string {
  return text.replaceAll(terminalSequence, '').replaceAll('\r\n', '\n').replaceAll(acting, '\uFFFD');
}
