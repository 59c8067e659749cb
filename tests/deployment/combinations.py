"""Values that a platform team may choose, one by one and together."""

from collections.abc import Mapping
from itertools import combinations
from typing import Any

from deployment.chart import SECURED, Values, merged

CLAIM = {"name": "documents", "claim": "documents", "path": "/documents"}
WORKLOAD = {
    "replicas": 3,
    "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "1Gi"}},
    "nodeSelector": {"pool": "crm"},
    "tolerations": [{"key": "crm", "operator": "Exists"}],
    "priorityClassName": "important",
    "podAnnotations": {"example.com/team": "crm"},
    "scaling": {"minReplicas": 3, "maxReplicas": 6},
}
OTHERS = {"billing": {"publishes": True, "reads": ["crm.entity.events.v1"]}, "audit": {"reads": ["crm.rule.events.v1"]}}

CHOICES: Mapping[str, Values] = {
    "gateway": {"gateway": {"enabled": True, "parentRefs": [{"name": "public", "namespace": "gateway"}]}},
    "ingress": {"ingress": {"enabled": True, "className": "nginx", "annotations": {"a/b": "c"}, "tlsSecret": "tls"}},
    "topics": {"strimzi": {"topics": True, "cluster": "kafka", "namespace": "kafka"}},
    "users": {"strimzi": {"users": True, "cluster": "kafka", "others": OTHERS}},
    "scaling": {"scaling": {"enabled": True, "prometheus": "http://prometheus.monitoring:9090"}},
    "pod-monitor": {"podMonitor": {"enabled": True, "labels": {"release": "prometheus"}}},
    "alerts": {
        "alerts": {"enabled": True, "labels": {"release": "prometheus"}, "runbooks": "https://runbooks.example.com/"}
    },
    "external-secrets": {
        "services": {
            "entity-service": {"externalSecret": {"store": "vault", "from": "crm/entity"}},
            "rule-engine": {
                "externalSecret": {"store": "vault", "storeKind": "ClusterSecretStore", "from": "crm/rules"}
            },
        }
    },
    "other-ports": {"settings": {"http_port": 9000, "internal_port": 9001}},
}

SINGLE: Mapping[str, Values] = {
    "none": {},
    "one-replica": {"services": {"entity-service": {"workloads": {"all": {"replicas": 1}}}}},
    "twelve-replicas": {"services": {"rule-engine": {"workloads": {"engine": {"replicas": 12}}}}},
    "workload": {"services": {"rule-engine": {"workloads": {"api": WORKLOAD, "engine": WORKLOAD}}}},
    "claim": {
        "services": {"doc-service": {"settings": {"files_url": None, "files_dir": "/documents"}, "files": [CLAIM]}}
    },
    "config-map": {"files": [{"name": "keys", "configMap": "keys", "path": "/etc/keys"}]},
    "no-migrations": {"migrations": {"enabled": False}},
    "no-policies": {"network": {"enabled": False}},
    "pull-secrets": {"image": {"tag": "1.2.3", "pullPolicy": "Always", "pullSecrets": ["registry"]}},
    "tls-users": {"strimzi": {"users": True, "cluster": "kafka", "authentication": "tls"}},
    "environment": {
        "services": {"doc-service": {"environment": {"AWS_REGION": "eu-south-1"}, "environmentSecret": "bucket"}}
    },
    "slow-drain": {"services": {"doc-service": {"settings": {"drain_s": 120.5}}}},
    "one-service-with-other-ports": {"services": {"entity-service": {"settings": {"internal_port": 7001}}}},
    "proxies": {"settings": {"trusted_proxies": ["10.0.0.0/8", "fd00::/8"], "plaintext_allowed": ["smtp.mail"]}},
    "dashboards": {
        "dashboards": {"enabled": True, "labels": {"grafana_dashboard": "1"}, "annotations": {"grafana_folder": "CRM"}}
    },
    "peers": {
        "network": {
            "kafka": {"ports": [9093], "to": [{"ipBlock": {"cidr": "10.1.0.0/16"}}]},
            "operators": {"from": [{"podSelector": {"matchLabels": {"app": "admin"}}}]},
            "monitoring": {"from": [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}]},
        }
    },
}


def matrix() -> dict[str, Values]:
    """Each choice alone, every pair of the main ones, and all of them."""
    pairs = {f"{a}+{b}": merged(CHOICES[a], CHOICES[b]) for a, b in combinations(CHOICES, 2)}
    every = {"all": merged({}, *CHOICES.values())}
    return {name: merged(SECURED, values) for name, values in {**SINGLE, **CHOICES, **pairs, **every}.items()}


def everything() -> dict[str, Any]:
    """All that is optional, at once."""
    optional = ("peers", "environment", "pull-secrets", "dashboards")
    return merged(SECURED, *CHOICES.values(), *(SINGLE[name] for name in optional))
