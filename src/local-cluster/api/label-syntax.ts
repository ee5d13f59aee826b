/** The syntax of names, label keys and label values, with Kubernetes' words for what is wrong. */

const nameFormat = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const dns1123Label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const dns1123Subdomain = `${dns1123Label}(\\.${dns1123Label})*`;

const whole = (source: string) => new RegExp(`^(?:${source})$`);
const nameShape = whole(nameFormat);
const valueShape = whole(`(${nameFormat})?`);
const labelShape = whole(dns1123Label);
const subdomainShape = whole(dns1123Subdomain);

const nameWords = `must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '${nameFormat}')`;

const subdomainFault = `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '${dns1123Subdomain}')`;
const dnsLabelFault = `a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '${dns1123Label}')`;

const tooLong = (limit: number) => `must be no more than ${limit} bytes`;

export function subdomainFaults(value: string): string[] {
  return [
    ...(value.length > 253 ? ['must be no more than 253 characters'] : []),
    ...(subdomainShape.test(value) ? [] : [subdomainFault]),
  ];
}

export function dnsLabelFaults(value: string): string[] {
  return [...(value.length > 63 ? [tooLong(63)] : []), ...(labelShape.test(value) ? [] : [dnsLabelFault])];
}

/** A qualified name: an optional DNS prefix, a slash, and a name of up to 63 characters. */
export function labelKeyFaults(key: string): string[] {
  const parts = key.split('/');
  if (parts.length > 2) {
    return [
      `a valid label key ${nameWords} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const faults: string[] = [];
  const name = parts.at(-1) ?? '';
  const [prefix] = parts.length === 2 ? parts : [undefined];
  if (prefix === '') faults.push('prefix part must be non-empty');
  else if (prefix !== undefined)
    faults.push(...subdomainFaults(prefix).map((fault) => `prefix part ${fault}`));
  if (name === '') faults.push('name part must be non-empty');
  else if (name.length > 63) faults.push(`name part ${tooLong(63)}`);
  if (!nameShape.test(name)) faults.push(`name part ${nameWords}`);
  return faults;
}

export function labelValueFaults(value: string): string[] {
  return [
    ...(value.length > 63 ? [tooLong(63)] : []),
    ...(valueShape.test(value)
      ? []
      : [
          `a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(${nameFormat})?')`,
        ]),
  ];
}
