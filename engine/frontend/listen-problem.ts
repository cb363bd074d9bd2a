/** Says why a front end could not listen, naming the flags to change. */
import { PerfTsError } from '../../src/common/errors.js';
import type { ListenOptions } from './front-end.js';

/** What its flags begin with. */
export type Endpoint = 'grpc' | 'http' | 'metrics';

/** The error for a refused address; `reason` is what the system said, such as `EADDRINUSE`. */
export function listenProblem(endpoint: Endpoint, options: ListenOptions, reason: string, cause: unknown): PerfTsError {
  const { address, port } = options;
  if (reason.includes('EADDRINUSE')) {
    return new PerfTsError(
      'BAD_OPTION',
      {
        where: `--${endpoint}-port`,
        what: `port ${port} on ${address} is already in use`,
        hint: `stop what listens there, or give another port; --${endpoint}-port=0 takes a free one`,
      },
      cause,
    );
  }
  if (reason.includes('EACCES')) {
    return new PerfTsError(
      'BAD_OPTION',
      {
        where: `--${endpoint}-port`,
        what: `no permission to listen on port ${port} of ${address}`,
        hint: 'give a port from 1024 up',
      },
      cause,
    );
  }
  return new PerfTsError(
    'BAD_OPTION',
    {
      where: `--${endpoint}-address`,
      what: `cannot listen on ${address}, port ${port}: ${reason}`,
      hint: 'give the address of an interface of this machine, such as 127.0.0.1 or 0.0.0.0',
    },
    cause,
  );
}
