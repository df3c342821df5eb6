// Objects that Kubernetes itself does not know, against the definitions of Traefik and of the Gateway API.
//
// Reads a JSON list of `{apiVersion, kind, …}` from stdin and prints a JSON list: null for a good one, a text
// for a bad one, false where no definition is known.

import * as gateway from '@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1';
import * as traefik from '@kubernetes-models/traefik/traefik.io/v1alpha1';
import { readFileSync } from 'node:fs';

const KNOWN = { 'traefik.io/v1alpha1': traefik, 'gateway.networking.k8s.io/v1': gateway };

function judge(object) {
  const Model = KNOWN[object.apiVersion]?.[object.kind];
  if (Model === undefined) return false;
  try {
    new Model(object).validate();
    return null;
  } catch (error) {
    return error.message;
  }
}

console.log(JSON.stringify(JSON.parse(readFileSync(0, 'utf8')).map(judge)));
