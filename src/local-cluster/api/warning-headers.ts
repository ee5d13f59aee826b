/** Of all texts together; beyond it each is cut. Both as in Kubernetes, in characters: clients bound what they read of headers. */
const mostOfAll = 4096;
const mostOfOne = 256;

export type Warnings = {
  /** Once is enough: a text that was told already is passed over. */
  add: (text: string) => void;
  /** The values of the Warning headers. */
  headers: () => string[];
};

/**
 * `299 - "text"`, quoted as RFC 7234 has it, in UTF-8 as Go writes it: Node takes each character of a header for one byte.
 * A control character would end the header.
 */
function toHeader(characters: string[]): string {
  const text = characters
    .join('')
    .replace(/\p{Cc}/gu, '\uFFFD')
    .replace(/["\\]/g, String.raw`\$&`);
  return Buffer.from(`299 - "${text}"`).toString('latin1');
}

/** Gathers what an answer warns of. */
export function createWarnings(): Warnings {
  const told = new Set<string>();
  let texts: string[][] = [];
  let length = 0;
  let cutting = false;

  function keep(characters: string[]): void {
    texts.push(characters);
    length += characters.length;
  }

  return {
    add(text) {
      if ((cutting && length >= mostOfAll) || told.has(text)) return;
      told.add(text);
      const characters = Array.from(text);
      if (!cutting && length + characters.length > mostOfAll) {
        const whole = texts;
        cutting = true;
        texts = [];
        length = 0;
        for (const earlier of whole) keep(earlier.slice(0, mostOfOne));
      }
      keep(cutting ? characters.slice(0, mostOfOne) : characters);
    },
    headers: () => texts.map(toHeader),
  };
}
