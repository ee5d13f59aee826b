import { describe, expect, test } from '@jest/globals';
import { globSync, readFileSync } from 'node:fs';

/** What the policy of the headers forbids in a page, and what would let text of others into it as HTML. */
const pages = globSync('views/**/*.ejs');
const read = (path: string) => readFileSync(path, 'utf8');

test('there are pages to look at', () => {
  expect(pages.length).toBeGreaterThan(8);
});

describe.each(pages)('%s', (path) => {
  test('prints raw nothing but its own parts', () => {
    const raw = [...read(path).matchAll(/<%-([\s\S]*?)%>/g)].map(([, code]) => code ?? '');
    expect(raw.filter((code) => !/^ include\('[a-z/-]+'(, [\s\S]*)?\) $/.test(code))).toEqual([]);
  });

  test('has no script, style or handler inside', () => {
    const html = read(path).replaceAll(/<%[\s\S]*?%>/g, '');
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)/i);
    expect(html).not.toMatch(/<style/i);
    expect(html).not.toMatch(/\sstyle\s*=/i);
    expect(html).not.toMatch(/\son[a-z]+\s*=/i);
    expect(html).not.toMatch(/javascript:/i);
  });

  test('quotes every attribute that holds something of a job', () => {
    expect(read(path)).not.toMatch(/[a-z-]=<%/i);
  });
});

test('the scripts of our own make no HTML and no code out of text', () => {
  for (const path of globSync('public/*.js'))
    expect([path, read(path)]).toEqual([
      path,
      expect.not.stringMatching(
        /innerHTML|outerHTML\s*=|insertAdjacentHTML|document\.write|\beval\b|new Function/,
      ),
    ]);
});
