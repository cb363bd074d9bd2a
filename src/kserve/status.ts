/** gRPC status codes that an inference server answers with, and their HTTP counterparts. */

export const statusCodes = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  RESOURCE_EXHAUSTED: 8,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
} as const;

export type StatusName = keyof typeof statusCodes;

const httpStatuses: Readonly<Record<StatusName, number>> = {
  OK: 200,
  CANCELLED: 499,
  UNKNOWN: 500,
  INVALID_ARGUMENT: 400,
  DEADLINE_EXCEEDED: 504,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 400,
  RESOURCE_EXHAUSTED: 503,
  UNIMPLEMENTED: 501,
  INTERNAL: 500,
  UNAVAILABLE: 503,
};

/** HTTP status that Triton's HTTP front end gives for a status of the core. */
export const httpStatusOf = (status: StatusName): number => httpStatuses[status];

/** A failed call: what the front ends turn into a gRPC status or an HTTP error body. */
export interface Failure {
  readonly status: Exclude<StatusName, 'OK'>;
  readonly message: string;
}
