import type { BrowserContext, Page } from 'playwright-core';

/** What a browser complains of in any page of a context: violations of the policy, errors, and dialogs, which only script opens. */
export async function watchPages(context: BrowserContext) {
  const violations: string[] = [];
  const errors: string[] = [];
  const dialogs: string[] = [];
  await context.exposeBinding(
    'tellViolation',
    (_source, violation: string) => void violations.push(violation),
  );
  await context.addInitScript({
    content: `document.addEventListener('securitypolicyviolation', (violation) =>
      tellViolation(violation.violatedDirective + ' ' + violation.blockedURI));`,
  });
  context.on('page', (page: Page) => {
    page.on('pageerror', ({ message }) => errors.push(message));
    page.on('dialog', (dialog) => {
      dialogs.push(dialog.message());
      void dialog.dismiss();
    });
  });
  return { violations, errors, dialogs };
}
