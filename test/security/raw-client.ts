import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';

/** A client that says exactly what it is told to, however wrong, and keeps what it hears. */
export async function openRawClient(port: number) {
  const socket: Socket = connect(port, '127.0.0.1');
  const heard: Buffer[] = [];
  socket.on('data', (chunk) => heard.push(chunk));
  // Being cut off is what some tests wait for.
  socket.on('error', () => {});
  const closed = once(socket, 'close');
  await once(socket, 'connect');
  return {
    say: (text: string) => void socket.write(text),
    heard: () => Buffer.concat(heard).toString(),
    /** Everything that was heard, once the other side has hung up. */
    async untilClosed() {
      await closed;
      return Buffer.concat(heard).toString();
    },
    /** Takes nothing any more. */
    pause: () => void socket.pause(),
    close: () => void socket.destroy(),
  };
}
