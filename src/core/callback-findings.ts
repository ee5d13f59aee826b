import { finding } from './cluster-report.ts';
import type { Finding, ReportEvidence } from './cluster-report.ts';
import type { Place } from './cluster-rights.ts';

/** Whether the pods of jobs can reach us: by what is configured, and by what came in. */

export type CallbackSettings = {
  /** Where pods report to. */
  url: string;
  /** On which reports are taken. */
  port: number;
  /** Of the pages; the same where workers have no port of their own. */
  pagePort: number;
};

/** So many lost words, one after the other, are no accident of one node. */
const tooMany = 3;

export function judgeAddress(
  { url, port, pagePort }: CallbackSettings,
  { isEmbedded, kind }: { isEmbedded: boolean; kind: Place['kind'] },
  evidence: ReportEvidence | null,
): Finding {
  const asked = `CALLBACK_URL ${url}`;
  const { hostname, port: urlPort, protocol } = new URL(url);
  const leadsTo = Number(urlPort || (protocol === 'https:' ? 443 : 80));
  const isHeard = evidence !== null && evidence.heardAt !== null && evidence.lost === 0;
  if (!isEmbedded && !isHeard && isLoopbackName(hostname)) {
    const sentence = `For a pod ${hostname} is the pod itself: no report can arrive. CALLBACK_URL must name this service as pods see it.`;
    return finding('reports', asked, kind === 'in-cluster' ? 'wrong' : 'warning', sentence);
  }
  if (leadsTo === pagePort && port !== pagePort && !isHeard) {
    const sentence = `It leads to port ${pagePort}, which is for the pages; reports are taken on ${port} (CALLBACK_PORT).`;
    return finding('reports', asked, 'warning', sentence);
  }
  const way =
    leadsTo === port || isEmbedded
      ? `Reports are taken on port ${port}.`
      : `Reports are taken on port ${port}; a Service or proxy must lead there from port ${leadsTo}.`;
  return finding('reports', asked, 'ok', way);
}

/** By what the store knows. Many containers have nothing to report, and are no evidence. */
export function judgeEvidence(
  evidence: ReportEvidence | null,
  { isEmbedded }: { isEmbedded: boolean },
): Finding {
  const asked = 'Reports of workers';
  if (evidence === null) {
    const sentence = "The service's database is not here, so whether reports come in is not known.";
    return finding('reports', asked, isEmbedded ? 'ok' : 'warning', sentence);
  }
  if (evidence.heardAt === null && evidence.lost === 0) {
    return isEmbedded
      ? finding(
          'reports',
          asked,
          'ok',
          'None has come in yet; pods of the local cluster run on this machine.',
        )
      : finding(
          'reports',
          asked,
          'warning',
          'None has come in yet, so whether pods reach us is not known: try it.',
        );
  }
  const { heardAt, lost, lostJobId } = evidence;
  if (lost === 0) return finding('reports', asked, 'ok', `The newest came in at ${toTimeText(heardAt)}.`);
  const since = heardAt === null ? 'None has ever come in' : `None has come in since ${toTimeText(heardAt)}`;
  const sentence = `${since}, and ${lost} ended with their last word in the termination message alone (such as job ${lostJobId ?? ''}): their pods do not reach CALLBACK_URL. A network policy may be in the way.`;
  return finding('reports', asked, lost >= tooMany || heardAt === null ? 'wrong' : 'warning', sentence);
}

function toTimeText(time: string | null): string {
  return time === null ? '' : `${time.slice(0, 19).replace('T', ' ')} UTC`;
}

/** Inside a pod these names lead to the pod. */
function isLoopbackName(hostname: string): boolean {
  return /^(127(\.\d{1,3}){3}|localhost|\[::1\]|0\.0\.0\.0|\[::\])$/i.test(hostname);
}
