/**
 * Runs something with a signal that aborts with the given one, and after so many ms as well. `AbortSignal.timeout` would do the same, and leave
 * its timer behind for all of that time: at a hundred calls a second thousands of them.
 */
export async function withTimeLimit<T>(
  { signal, ms }: { signal: AbortSignal; ms: number },
  run: (limited: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = new AbortController();
  const follow = () => limit.abort(signal.reason);
  const timer = setTimeout(
    () => limit.abort(new DOMException('there was no answer in time', 'TimeoutError')),
    ms,
  );
  timer.unref();
  signal.addEventListener('abort', follow, { once: true });
  try {
    if (signal.aborted) follow();
    return await run(limit.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', follow);
  }
}
