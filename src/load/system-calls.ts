/** The few calls of Linux's C library that pacing needs and Node does not offer, for the thread that makes them. */
import koffi from 'koffi';

export interface SystemCalls {
  /** Sleeps until `descriptor` can be read, `ns` (below a second) are over or a signal came; true when it can be read. */
  waitReadable(descriptor: number, ns: number): boolean;
  /** A pipe's ends, to read and to write; undefined where none is left. */
  openPipe(): readonly [number, number] | undefined;
  /** Node warns of a descriptor that it closes and has not opened. */
  closeDescriptor(descriptor: number): void;
  /** This thread's timers may be late by so much, to save wake-ups; 50 us unless somebody changed it. */
  setTimerSlack(ns: number): void;
  /** True when this thread is scheduled as threads are that nobody has asked anything of: neither idle, batch, real time nor nice. */
  isOrdinary(): boolean;
  /** False where that is not permitted. */
  setRoundRobin(priority: number): boolean;
  setOrdinary(): boolean;
  /** False where that is not permitted. */
  setNiceness(niceness: number): boolean;
}

const POLLIN = 1;
const PR_SET_TIMERSLACK = 29;
const SCHED_OTHER = 0;
const SCHED_RR = 2;
/** Threads that this one makes do not inherit it. */
const SCHED_RESET_ON_FORK = 0x4000_0000;
const PRIO_PROCESS = 0;
/** Both have 64-bit longs and little-endian words, which the layouts below count on. */
const knownProcessors = ['x64', 'arm64'];

let calls: SystemCalls | undefined;

/** Undefined where the system is not Linux, or its C library cannot be called. */
export function systemCalls(): SystemCalls | undefined {
  if (process.platform !== 'linux' || !knownProcessors.includes(process.arch)) return undefined;
  try {
    calls ??= loadCalls();
    return calls;
  } catch {
    return undefined;
  }
}

function loadCalls(): SystemCalls {
  const program = koffi.load(null);
  const ppoll = program.func('int ppoll(void *entries, unsigned long count, void *timeout, void *signals)');
  const pipe = program.func('int pipe(void *ends)');
  const close = program.func('int close(int descriptor)');
  const prctl = program.func(
    'int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)',
  );
  const getScheduler = program.func('int sched_getscheduler(int thread)');
  const setScheduler = program.func('int sched_setscheduler(int thread, int policy, void *parameters)');
  const getPriority = program.func('int getpriority(int which, unsigned int who)');
  const setPriority = program.func('int setpriority(int which, unsigned int who, int niceness)');

  // struct pollfd: int descriptor, short events, short results.
  const entry = new Int32Array(2);
  // struct timespec: long seconds, long nanoseconds.
  const timeout = new Int32Array(4);
  return {
    waitReadable(descriptor, ns) {
      entry[0] = descriptor;
      entry[1] = POLLIN;
      timeout[2] = ns;
      return ppoll(entry, 1, timeout, null) > 0;
    },
    openPipe() {
      const ends = new Int32Array(2);
      return pipe(ends) === 0 ? [ends[0]!, ends[1]!] : undefined;
    },
    closeDescriptor(descriptor) {
      close(descriptor);
    },
    setTimerSlack(ns) {
      prctl(PR_SET_TIMERSLACK, ns, 0, 0, 0);
    },
    isOrdinary: () => getScheduler(0) === SCHED_OTHER && getPriority(PRIO_PROCESS, 0) === 0,
    setRoundRobin: (priority) => setScheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, new Int32Array([priority])) === 0,
    setOrdinary: () => setScheduler(0, SCHED_OTHER, new Int32Array([0])) === 0,
    setNiceness: (niceness) => setPriority(PRIO_PROCESS, 0, niceness) === 0,
  };
}
