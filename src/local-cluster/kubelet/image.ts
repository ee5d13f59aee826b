/** What an image name stands for on this machine. */
export type ImageMapping = {
  entrypoint: string[];
  cmd: string[];
  env?: Record<string, string>;
  workingDir?: string;
  /** The uid that the image declares, which `runAsNonRoot` looks at. Without it: that of this process. */
  user?: number;
};

export type Images = Readonly<Record<string, ImageMapping>>;

/** `name`, `name:tag` and `name@digest` find the mapping `name`; a mapping with a tag is for that tag alone. */
export function findImage(images: Images, reference: string): ImageMapping | undefined {
  const bare = reference.replace(/@[^/]*$/, '').replace(/:[^:/]*$/, '');
  const name = [reference, bare].find((candidate) => Object.hasOwn(images, candidate));
  return name === undefined ? undefined : images[name];
}

const component = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const label = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const domain = `(?:${label}(?:\\.${label})*|\\[[a-fA-F0-9:]+\\])(?::\\d+)?`;
const wellFormed = new RegExp(
  `^(?:${domain}/)?${component}(?:/${component})*(?::\\w[\\w.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?$`,
);

/** Why the name cannot be an image's, in the kubelet's words; undefined when it can. */
export function findImageNameFault(reference: string): string | undefined {
  const fault = findReferenceFault(reference);
  if (fault === undefined) return undefined;
  const quoted = JSON.stringify(reference);
  return `Failed to apply default image tag ${quoted}: couldn't parse image name ${quoted}: invalid reference format${fault}`;
}

/** Source: github.com/distribution/reference, ParseNormalizedNamed. */
function findReferenceFault(reference: string): string | undefined {
  const slash = reference.indexOf('/');
  const first = reference.slice(0, Math.max(slash, 0));
  const hasDomain =
    slash > 0 && (/[.:]/.test(first) || first === 'localhost' || first.toLowerCase() !== first);
  const remainder = hasDomain
    ? reference.slice(slash + 1)
    : slash === -1
      ? `library/${reference}`
      : reference;
  const [repository = ''] = remainder.split(':');
  if (repository.toLowerCase() !== repository) return `: repository name (${repository}) must be lowercase`;
  return wellFormed.test(reference) ? undefined : '';
}
