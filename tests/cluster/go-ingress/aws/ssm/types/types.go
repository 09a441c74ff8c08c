package types

type InstanceInformation struct{ InstanceId, IPAddress *string }

type InstanceInformationStringFilter struct {
	Key    *string
	Values []string
}
