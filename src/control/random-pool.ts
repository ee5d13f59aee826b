const poolBytes = 4096;

/**
 * Random bytes drawn in bulk: to ask the system for a few of them takes longer than all that is made of them. `random` fills a byte
 * array, as node:crypto's randomFillSync does. No byte is given twice.
 */
export function createRandomPool(random: (bytes: Uint8Array) => Uint8Array) {
  const pool = new Uint8Array(poolBytes);
  let next = poolBytes;

  function nextByte(): number {
    if (next === poolBytes) {
      random(pool);
      next = 0;
    }
    const byte = pool[next] ?? 0;
    next += 1;
    return byte;
  }

  function drawBytes(bytes: Uint8Array): Uint8Array {
    for (const nth of bytes.keys()) bytes[nth] = nextByte();
    return bytes;
  }

  return { nextByte, drawBytes };
}
