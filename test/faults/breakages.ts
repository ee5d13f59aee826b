import type { SourceEdit } from './source-edits.ts';

/** The protocol, broken on purpose: each of these is a way in which a service like this one loses or doubles work. */
export const breakages = {
  'the name is drawn at dispatch': {
    file: 'src/control/create-attempts.ts',
    find: 'const manifest = toManifest(item);',
    replace:
      'const manifest = toManifest({ ...item, kubernetesName: item.generateName + drawNameSuffix(options.random) });',
  },
  'a name that is taken by our own Job passes for a foreign one': {
    file: 'src/control/create-attempts.ts',
    find: 'if (found?.jobId === item.id) return adopt(',
    replace: "if (found?.jobId === 'nobody') return adopt(",
  },
  'the answer goes out before the commit': {
    file: 'src/store/accept.ts',
    find: 'return { acceptJob };',
    replace: `function answerFirst(...order) {
      let outcome;
      try {
        db.transaction(() => {
          outcome = acceptJob(...order);
          throw new Error('undone');
        })();
      } catch (error) {
        if (outcome === undefined) throw error;
      }
      setTimeout(() => acceptJob(...order), 300);
      return outcome;
    }
    return { acceptJob: answerFirst };`,
  },
  'a state is written without the compare': {
    file: 'src/store/dispatch.ts',
    find: 'if (rows.learnUid({ id, uid, now: writes.now() })) settle(id);',
    replace: `rows.learnUid({ id, uid, now: writes.now() });
      db.prepare("UPDATE jobs SET state = 'CREATED', started_at = NULL, finished_at = NULL WHERE id = ?").run(id);
      writes.append({ jobId: id, kind: 'state', state: 'CREATED' });`,
  },
  'a job that was sent is not taken up again': {
    file: 'src/store/dispatch.ts',
    find: 'FROM jobs WHERE finished_at IS NULL AND dispatch IS NULL ORDER BY',
    replace: 'FROM jobs WHERE finished_at IS NULL AND dispatch IS NULL AND claimed_at IS NULL ORDER BY',
  },
} as const satisfies Record<string, SourceEdit>;
