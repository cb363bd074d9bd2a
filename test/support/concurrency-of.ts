/** The concurrency of a load that a test knows to be a closed loop. */
export function concurrencyOf(load: { readonly kind: string; readonly concurrency?: number }): number {
  if (load.concurrency === undefined) throw new Error(`a ${load.kind} load has no concurrency`);
  return load.concurrency;
}
