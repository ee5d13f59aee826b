type IndexRange = { first: number; last: number };

/** Reads `0,2`, `0-3,7`: what completedIndexes, failedIndexes and success policies hold. Indexes from `completions` on are dropped. */
export function parseRanges(text: string | undefined, completions: number): IndexRange[] {
  return (text ?? '').split(',').flatMap((part) => {
    const [, from, to] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? [];
    if (from === undefined) return [];
    const range = { first: Number(from), last: Math.min(Number(to ?? from), completions - 1) };
    return range.first <= range.last ? [range] : [];
  });
}

/** The same, one by one: for ranges of indexes that have had pods. */
export function parseIndexes(text: string | undefined, completions: number): Set<number> {
  const indexes = new Set<number>();
  for (const { first, last } of parseRanges(text, completions))
    for (let index = first; index <= last; index += 1) indexes.add(index);
  return indexes;
}

export const countRanges = (ranges: readonly IndexRange[]): number =>
  ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);

/** How many of the indexes lie in the ranges, which must be in ascending order. */
export function countWithin(indexes: ReadonlySet<number>, ranges: readonly IndexRange[]): number {
  let count = 0;
  let at = 0;
  for (const index of [...indexes].toSorted((a, b) => a - b)) {
    while ((ranges[at]?.last ?? Infinity) < index) at += 1;
    if (index >= (ranges[at]?.first ?? Infinity)) count += 1;
  }
  return count;
}

/** Two neighbours are `0,1`, three or more `0-2`. */
export function toIndexText(indexes: ReadonlySet<number>): string {
  const runs: IndexRange[] = [];
  for (const index of [...indexes].toSorted((a, b) => a - b)) {
    const run = runs.at(-1);
    if (run && run.last === index - 1) run.last = index;
    else runs.push({ first: index, last: index });
  }
  return runs
    .map(({ first, last }) => {
      if (first === last) return `${first}`;
      return `${first}${last === first + 1 ? ',' : '-'}${last}`;
    })
    .join(',');
}

export function unionOf(...sets: (ReadonlySet<number> | undefined)[]): Set<number> {
  return new Set(sets.flatMap((set) => [...(set ?? [])]));
}
