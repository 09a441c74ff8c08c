#!/bin/sh
# A very small kindnetd. It masquerades what leaves the pods' network, and for every node it hears of it either writes the
# CNI configuration (it is this one) or keeps a route to that node's pods (it is another). It publishes no host ports.
set -u
conf=/etc/cni/net.d/10-kindnet.conflist
node='{.metadata.name} {.spec.podCIDR} {.status.addresses[?(@.type=="InternalIP")].address}{"\n"}'

masquerade() {
  subnets=$(echo "$POD_SUBNET" | tr , ' ')
  iptables -t nat -N KIND-MASQ-AGENT 2>/dev/null || iptables -t nat -F KIND-MASQ-AGENT
  for subnet in $subnets; do iptables -t nat -A KIND-MASQ-AGENT -d "$subnet" -j RETURN; done
  iptables -t nat -A KIND-MASQ-AGENT -j MASQUERADE
  for subnet in $subnets; do
    rule="POSTROUTING -s $subnet -m addrtype ! --dst-type LOCAL -j KIND-MASQ-AGENT"
    # shellcheck disable=SC2086  # the rule is several words
    iptables -t nat -C $rule 2>/dev/null || iptables -t nat -A $rule
  done
}

configure() { # CIDR
  cat >"$conf.new" <<JSON
{"cniVersion": "0.3.1", "name": "kindnet", "plugins": [
  {"type": "ptp", "ipMasq": false, "mtu": 1500,
   "ipam": {"type": "host-local", "dataDir": "/run/cni-ipam-state",
            "routes": [{"dst": "0.0.0.0/0"}], "ranges": [[{"subnet": "$1"}]]}}]}
JSON
  cmp -s "$conf.new" "$conf" || { cat "$conf.new" >"$conf"; echo "wrote $conf for $1"; }
  rm -f "$conf.new"
}

masquerade
while :; do # a watch ends every few minutes, and begins again with all nodes
  kubectl get nodes --watch --output "jsonpath=$node" | while read -r name cidr address; do
    if [ -z "$address" ]; then continue # it is still joining
    elif [ "$name" = "$NODE_NAME" ]; then configure "$cidr"
    else ip route replace "$cidr" via "$address" && echo "route to $cidr via $address"
    fi
  done
  sleep 1
done
