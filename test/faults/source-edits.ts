/**
 * Preloaded into a program under test (`node --import`): edits its source as it is loaded, so that a process can be made to die at
 * an exact instruction, or to break the protocol on purpose, while `src` knows nothing of tests.
 *
 * `SOURCE_EDITS` holds the edits as JSON. A file where the text does not occur exactly once ends the process before it begins: an edit
 * that no longer fits the source must not pass for a fault that was survived.
 */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';

/** `file` is relative to the repository. */
const editSchema = z.strictObject({ file: z.string(), find: z.string().min(1), replace: z.string() });
export type SourceEdit = z.output<typeof editSchema>;

const edits = z.array(editSchema).parse(JSON.parse(process.env['SOURCE_EDITS'] ?? '[]'));
const edited = new Map<string, string>();

for (const { file, find, replace } of edits) {
  const url = pathToFileURL(file).href;
  const source = edited.get(url) ?? readFileSync(file, 'utf8');
  const occurrences = source.split(find).length - 1;
  if (occurrences !== 1) throw new Error(`${file} holds ${occurrences} times what is to be edited: ${find}`);
  edited.set(
    url,
    source.replace(find, () => replace),
  );
}

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    const source = edited.get(url);
    return source === undefined ? loaded : { ...loaded, source };
  },
});
