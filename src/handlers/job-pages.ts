import type { Response } from 'express';
import type { Intake } from '../control/intake.ts';
import { isFinal, jobStates } from '../core/job-state.ts';
import { jobQuerySchema } from '../core/job.ts';
import type { JobQuery } from '../core/job.ts';
import type { Store } from '../store/store.ts';
import { emptyBody, getJob } from './job-api.ts';
import { jobFormSchema, toFormView } from './job-form.ts';
import type { FormView } from './job-form.ts';
import { stateLabels, toHistory, toJobPage, toJobRow } from './job-view.ts';
import { route } from './route.ts';
import type { Route, ShowRefusal } from './route.ts';

const html = 'text/html';
const page = { kind: 'page', tag: 'Pages' } as const;
/** The history that a page shows; the rest is in the API. */
const shownEvents = 500;
const allJobs = jobQuerySchema.parse({});

type Needs = {
  store: Pick<Store, 'findJob' | 'listJobs' | 'listNewestEvents' | 'countStates' | 'lastSeq'>;
  intake: Intake;
  workerImage: string;
};

/** The pages, for people. Every one works without JavaScript; with it they are live. */
export function createJobPages({ store, intake, workerImage }: Needs): Route[] {
  const showJobs = showJobsWith(store);
  const showRefusal: ShowRefusal = ({ problem, fields, res }) => {
    showJobs(res.status(problem.status), allJobs, toFormView(workerImage, { fields, problem }));
  };
  return [
    route({
      ...page,
      method: 'get',
      path: '/',
      needs: 'viewer',
      summary: 'To the jobs',
      answers: { 302: { description: 'To /jobs' } },
      problems: [400, 421],
      handle: ({ res }) => res.redirect('/jobs'),
    }),
    ...['/jobs', '/index'].map((path) =>
      route({
        ...page,
        method: 'get',
        path,
        needs: 'viewer',
        summary:
          path === '/jobs' ? 'A form to run a job, and the jobs' : 'The same as /jobs, under its old name',
        query: jobQuerySchema,
        answers: { 200: { description: 'The page', mediaType: html } },
        problems: [400, 421],
        handle: ({ res, query }) => showJobs(res, query, toFormView(workerImage)),
      }),
    ),
    route({
      ...page,
      method: 'post',
      path: '/jobs',
      needs: 'operator',
      summary: 'Run a job from the form',
      body: { types: ['form'], schema: jobFormSchema },
      answers: { 303: { description: "To the job's page" } },
      problems: [400, 403, 409, 413, 415, 421, 503],
      showRefusal,
      handle: async ({ res, body, caller }) => {
        const { job } = await intake.accept(body, { idempotencyKey: null, by: caller });
        goTo(res, job.id);
      },
    }),
    route({
      ...page,
      method: 'get',
      path: '/jobs/:id',
      needs: 'viewer',
      summary: 'A job',
      answers: { 200: { description: 'The page', mediaType: html } },
      problems: [400, 404, 421],
      handle: ({ res, param }) => showJob(store, res, param('id')),
    }),
    route({
      ...page,
      method: 'post',
      path: '/jobs/:id/cancel',
      needs: 'operator',
      summary: 'Cancel a job, from its page',
      body: emptyBody,
      answers: { 303: { description: "Back to the job's page" } },
      problems: [400, 403, 404, 409, 413, 415, 421, 503],
      handle: async ({ res, param, caller }) => {
        await intake.cancel(param('id'), { by: caller });
        goTo(res, param('id'));
      },
    }),
    route({
      ...page,
      method: 'post',
      path: '/jobs/:id/rerun',
      needs: 'operator',
      summary: 'Run a job again, from its page',
      body: emptyBody,
      answers: { 303: { description: "To the new job's page" } },
      problems: [400, 403, 404, 413, 415, 421, 503],
      handle: async ({ res, param, caller }) => {
        const { job } = await intake.rerun(param('id'), { idempotencyKey: null, by: caller });
        goTo(res, job.id);
      },
    }),
  ];
}

function goTo(res: Response, id: string): void {
  res.redirect(303, `/jobs/${encodeURIComponent(id)}`);
}

function showJobsWith(store: Needs['store']) {
  return (res: Response, query: JobQuery, form: FormView): void => {
    // Read before the jobs: an event in between is told twice, which is harmless, and never missed.
    const lastSeq = store.lastSeq();
    const { jobs, nextCursor } = store.listJobs(query);
    const counts = store.countStates();
    const total = jobStates.reduce((sum, state) => sum + counts[state], 0);
    const filters = jobStates
      .filter((state) => counts[state] > 0 || state === query.state)
      .map((state) => toFilter(query, { state, label: stateLabels[state], count: counts[state] }));
    res.render('jobs', {
      title: 'Jobs',
      lastSeq,
      live: query.cursor === undefined,
      unfinished: jobs.some((job) => !isFinal(job.state)),
      form,
      rows: jobs.map(toJobRow),
      total,
      filters: [toFilter(query, { state: undefined, label: 'All', count: total }), ...filters],
      query,
      filtered: [query.state, query.name, query.q].some((value) => value !== undefined),
      newest: query.cursor === undefined ? null : toLink({ ...query, cursor: undefined }),
      older: nextCursor === null ? null : toLink({ ...query, cursor: nextCursor }),
    });
  };
}

function showJob(store: Needs['store'], res: Response, id: string): void {
  const lastSeq = store.lastSeq();
  const job = toJobPage(getJob(store, id));
  const events = store.listNewestEvents({ jobId: id, limit: shownEvents });
  res.render('job', {
    title: job.name,
    lastSeq,
    job,
    history: toHistory(events),
    historyIsCut: events.length === shownEvents,
    apiHref: `/api/v1/jobs/${encodeURIComponent(id)}`,
  });
}

function toFilter(
  query: JobQuery,
  { state, label, count }: { state: JobQuery['state']; label: string; count: number },
) {
  const href = toLink({ ...query, state, cursor: undefined });
  return { state: state ?? null, label, count, href, current: query.state === state };
}

function toLink({ limit, ...filters }: JobQuery): string {
  const given = { ...filters, limit: limit === allJobs.limit ? undefined : String(limit) };
  const pairs = Object.entries(given).filter((pair): pair is [string, string] => typeof pair[1] === 'string');
  return pairs.length === 0 ? '/jobs' : `/jobs?${new URLSearchParams(pairs).toString()}`;
}
