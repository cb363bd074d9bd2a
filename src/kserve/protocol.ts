/** The two transports of KServe v2. */
export type Protocol = 'grpc' | 'http';
