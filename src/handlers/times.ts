/** `2026-01-31 09:05:07 UTC`: what stands in a page until the browser puts its own time zone's words there. */
export function toUtcText(time: string): string {
  return `${new Date(time).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** The time between two RFC 3339 times in the two largest units that say something: `850 ms`, `12 s`, `3 min 5 s`. */
export function toDurationText(from: string, to: string): string {
  const [start, end] = [Date.parse(from), Date.parse(to)];
  const milliseconds = Math.max(0, end - start);
  // Kubernetes' times are whole seconds: two that are the same do not mean that it took no time.
  if (milliseconds === 0 && start % 1000 === 0) return 'under 1 s';
  if (milliseconds < 1000) return `${milliseconds} ms`;
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
