"""The audited graph for other programs: GraphML, DOT, JSON and Mermaid."""
