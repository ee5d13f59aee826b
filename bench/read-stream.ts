/** Reads so many bytes of an answer and goes away: `node bench/read-stream.ts URL BYTES`; prints how many ms that took. */
import { get } from 'node:http';

const [url = '', bytes = ''] = process.argv.slice(2);
const began = performance.now();
get(url, (answer) => {
  if (answer.statusCode !== 200) throw new Error(`answered with ${answer.statusCode}`);
  let left = Number(bytes);
  answer.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left > 0) return;
    console.log(performance.now() - began);
    answer.destroy();
  });
  answer.once('end', () => {
    throw new Error(`the answer has ended ${left} bytes early`);
  });
});
