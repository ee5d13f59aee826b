/**
 * Expands `$(NAME)` as the kubelet does: unknown names stay as written, `$$` is a plain `$` that expands nothing.
 * Source: k8s.io/kubernetes/third_party/forked/golang/expansion.
 */
export function expand(text: string, values: ReadonlyMap<string, string>): string {
  return text.replace(/\$(?:\$|\(([^)]*)\))/g, (written: string, name: string | undefined) => {
    if (name === undefined) return '$';
    return values.get(name) ?? written;
  });
}
