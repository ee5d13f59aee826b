/** What has been started, undone in reverse: a failed start and an orderly stop take the same way out. */
export type Releasers = {
  push(release: () => void | Promise<void>): void;
  /** Runs every release once, the last one first, even when one of them fails; then throws what went wrong. */
  releaseAll: () => Promise<void>;
};

export function createReleasers(): Releasers {
  const stack: (() => void | Promise<void>)[] = [];
  return {
    push: (release) => stack.push(release),
    async releaseAll() {
      const errors: unknown[] = [];
      for (let release = stack.pop(); release !== undefined; release = stack.pop()) {
        try {
          await release();
        } catch (error) {
          errors.push(error);
        }
      }
      if (errors.length > 0) throw new AggregateError(errors, 'not everything could be stopped');
    },
  };
}
