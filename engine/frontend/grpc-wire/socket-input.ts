/**
 * Reads an accepted socket into one buffer that is used again for every read, or straight to where the bytes belong. Node offers that for sockets it opens
 * itself; an accepted one is opened a second time around its handle. Where the handle is not as expected, the socket's
 * own events serve, at the price of an allocation a read.
 */
import { Buffer } from 'node:buffer';
import { Socket } from 'node:net';

const RECEIVE_BYTES = 65_536;

/** Libuv fills the buffer and reports it in one go, except on Windows, where reads are prepared ahead. */
const canShareBuffer = process.platform !== 'win32';
let sharedBuffer: Buffer | undefined;

function receiveBuffer(): Buffer {
  if (!canShareBuffer) return Buffer.allocUnsafeSlow(RECEIVE_BYTES);
  sharedBuffer ??= Buffer.allocUnsafeSlow(RECEIVE_BYTES);
  return sharedBuffer;
}

/** Takes `count` bytes at the beginning of `bytes`, which are overwritten by the next read. */
export type OnBytes = (bytes: Buffer, count: number) => void;

/**
 * Takes over a socket from a server with `pauseOnConnect` and returns the socket to use from then on; it is still
 * paused, and `resume` starts it. `chooseTarget` says after each read where the next one goes: into the buffer it is
 * given, part of it, or other memory, which must stay there until the next call. `allowReuse` false always takes the
 * plain way, on which nothing is chosen.
 */
export function takeSocket(
  accepted: Socket,
  onBytes: OnBytes,
  chooseTarget: (shared: Buffer) => Buffer,
  allowReuse = true,
): Socket {
  const handle: unknown = Reflect.get(accepted, '_handle');
  if (!allowReuse || !isReusable(handle)) {
    accepted.on('data', (bytes: Buffer) => onBytes(bytes, bytes.length));
    accepted.pause();
    return accepted;
  }
  const shared = receiveBuffer();
  let target = shared;
  const onread = {
    buffer: (): Buffer => {
      target = chooseTarget(shared);
      return target;
    },
    callback: (count: number): boolean => {
      onBytes(target, count);
      return true;
    },
  };
  // The handle has one owner at a time; the accepted socket stays behind as an empty shell that the server counts.
  Reflect.set(accepted, '_handle', null);
  const options = { handle, onread, pauseOnCreate: true };
  const socket = new Socket(options as ConstructorParameters<typeof Socket>[0]);
  socket.once('close', () => accepted.destroy());
  return socket;
}

const isReusable = (handle: unknown): boolean =>
  typeof handle === 'object' && handle !== null && typeof Reflect.get(handle, 'useUserBuffer') === 'function';
