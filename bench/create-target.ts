/** An API server that counts the Jobs which are created in it. */
export type CreateTarget = {
  url: string;
  /** With whatever stands before it on this server. */
  jobsPath: string;
  namespace: string;
  kubeconfigPath: string;
  /** As the dispatcher sends it. */
  lastBody: () => string;
  countCreates: () => number;
  /** Jobs a second, from the first to the last that came since this was last asked. */
  takeRate: () => number;
  close: () => Promise<void>;
};
