package types

type InstanceStateName string

const (
	InstanceStateNamePending InstanceStateName = "pending"
	InstanceStateNameRunning InstanceStateName = "running"
)

type InstanceState struct{ Name InstanceStateName }

type Instance struct {
	InstanceId       *string
	PrivateIpAddress *string
	State            *InstanceState
}

type Reservation struct{ Instances []Instance }
